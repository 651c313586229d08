//! Blocks: what the kill switch has stopped.

use model::{Block, Target, Timestamp};
use sqlx::{AnyConnection, any::AnyRow, query};

use crate::{Store, StoreError, Tx, columns::Columns};

impl Store {
    /// Every block in the database but those on installations, newest first. [`Store::blocks`] is the copy in memory.
    pub async fn all_blocks(&self) -> Result<Vec<Block>, StoreError> {
        let mut reader = self.reader().await?;
        let found = all(reader.connection()).await;
        reader.done(found)
    }
}

impl Tx<'_> {
    /// Adds a block, or renews the one on the same target, and bumps the epoch.
    pub async fn put_block(&mut self, block: &Block) -> Result<(), StoreError> {
        self.run(
            query(
                "INSERT INTO block (kind, name, since, reason, lifted_at, written) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (kind, name) DO UPDATE SET since = excluded.since, reason = excluded.reason,
                 lifted_at = excluded.lifted_at, written = excluded.written",
            )
            .bind(block.target.kind())
            .bind(block.target.name())
            .bind(block.at.micros())
            .bind(&block.reason)
            .bind(block.lifted_at.map(Timestamp::micros))
            // An installation is ended in the transaction that blocks it.
            .bind(i64::from(matches!(block.target, Target::Installation(_)))),
        )
        .await?;
        self.bump_epoch().await
    }

    /// Lifts the standing block on `target` and bumps the epoch; `false` when there is none.
    pub async fn lift_block(&mut self, target: &Target, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE block SET lifted_at = $3 WHERE kind = $1 AND name = $2 AND lifted_at IS NULL";
        let lifted = self.run(query(sql).bind(target.kind()).bind(target.name()).bind(now.micros())).await?;
        self.bump_epoch().await?;
        Ok(lifted == 1)
    }
}

/// Every block but those on installations, newest first. Those are looked up with what they stop.
pub(crate) async fn all(connection: &mut AnyConnection) -> Result<Vec<Block>, StoreError> {
    let sql = "SELECT kind, name, since, reason, lifted_at FROM block WHERE kind <> 'installation'
         ORDER BY since DESC, kind, name";
    read(query(sql).fetch_all(connection).await?)
}

/// Those whose ends are not all written down, oldest first.
pub(crate) async fn unwritten(connection: &mut AnyConnection) -> Result<Vec<Block>, StoreError> {
    let sql = "SELECT kind, name, since, reason, lifted_at FROM block WHERE written = 0 ORDER BY since, kind, name";
    read(query(sql).fetch_all(connection).await?)
}

fn read(rows: Vec<AnyRow>) -> Result<Vec<Block>, StoreError> {
    rows.iter()
        .map(|row| {
            let mut columns = Columns::of("block", row);
            let (kind, name) = (columns.text()?, columns.text()?);
            Ok(Block {
                target: Target::parse(&kind, &name).map_err(|why| columns.unreadable(why))?,
                at: columns.time()?,
                reason: columns.text()?,
                lifted_at: columns.optional_time()?,
            })
        })
        .collect()
}
