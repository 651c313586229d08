//! Blocks: what the kill switch has stopped.

use model::{Block, Target, Timestamp, block::Covered};
use sqlx::query;

use crate::{
    error::StoreError,
    sql::{
        columns::Columns,
        readers::Readers,
        statement::{FromColumns, Statement},
        tx::Tx,
    },
    tables::privilege_tx::PrivilegeTx,
};

impl Readers {
    /// Every block in the database but those on installations, newest first. [`crate::Store::blocks`] is the copy in memory.
    pub async fn all_blocks(&self) -> Result<Vec<Block>, StoreError> {
        self.all(all()).await
    }

    /// Is everything written down that blocks ended? Then rows alone say what stands.
    pub(crate) async fn ends_are_all_written(&self) -> Result<bool, StoreError> {
        let unwritten: u64 = self.one(query("SELECT COUNT(*) FROM block WHERE written = 0")).await?.unwrap_or(0);
        Ok(unwritten == 0)
    }

    /// Blocks whose ends are not all written down yet, oldest first.
    pub async fn unwritten_blocks(&self) -> Result<Vec<Block>, StoreError> {
        let sql = "SELECT kind, name, since, reason, lifted_at FROM block WHERE written = 0 ORDER BY since, kind, name";
        self.all(query(sql)).await
    }
}

impl Tx<'_> {
    /// Every block, standing or lifted, on what is named, as it stands inside this transaction: the copy in memory is of
    /// a moment ago, and does not know what this very batch did. Those on installations are asked of these.
    pub async fn blocks_on(&mut self, what: &Covered<'_>) -> Result<Vec<Block>, StoreError> {
        let sql = "SELECT kind, name, since, reason, lifted_at FROM block WHERE (kind = 'all' AND name = '')
             OR (kind = 'agent' AND name = $1) OR (kind = 'person' AND name = $2) OR (kind = 'person' AND name = $3)
             OR (kind = 'client' AND name = $4) OR (kind = 'server' AND name = $5) OR (kind = 'tool' AND name = $6)
             OR (kind = 'grant' AND name = $7)";
        let statement = query(sql)
            .bind(what.agent.as_str())
            .bind(what.owner.as_str())
            .bind(what.person.map(|person| person.to_string()))
            .bind(what.client.to_string())
            .bind(what.server.as_str())
            .bind(what.tool.map(|tool| tool.qualified(what.server)))
            .bind(what.grant.map(|grant| grant.to_string()));
        self.all(statement).await
    }

    /// Does a block stand on exactly that?
    pub async fn is_blocked(&mut self, target: &Target) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM block WHERE kind = $1 AND name = $2 AND lifted_at IS NULL";
        Ok(self.row(query(sql).bind(target.kind().as_str()).bind(target.name())).await?.is_some())
    }

    /// When the newest block on exactly this was put down, whether it was lifted since or not.
    pub async fn last_blocked(&mut self, target: &Target) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT since FROM block WHERE kind = $1 AND name = $2";
        let row = self.row(query(sql).bind(target.kind().as_str()).bind(target.name())).await?;
        row.map(|row| Columns::of("block", &row).time()).transpose()
    }

    /// Every standing block but those on installations, as it stands inside this transaction, newest first.
    pub async fn standing_blocks(&mut self) -> Result<Vec<Block>, StoreError> {
        let found: Vec<Block> = self.all(all()).await?;
        Ok(found.into_iter().filter(|block| block.lifted_at.is_none()).collect())
    }
}

impl PrivilegeTx<'_, '_> {
    /// Adds a block, or renews the one on the same target, and bumps the epoch.
    pub async fn put_block(&mut self, block: &Block) -> Result<(), StoreError> {
        self.run(
            query(
                "INSERT INTO block (kind, name, since, reason, lifted_at, written) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (kind, name) DO UPDATE SET since = excluded.since, reason = excluded.reason,
                 lifted_at = excluded.lifted_at, written = excluded.written",
            )
            .bind(block.target.kind().as_str())
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
        let lifted = self.run(query(sql).bind(target.kind().as_str()).bind(target.name()).bind(now.micros())).await?;
        self.bump_epoch().await?;
        Ok(lifted == 1)
    }
}

/// Every block but those on installations, newest first. Those are looked up with what they stop.
pub(crate) fn all<'q>() -> Statement<'q> {
    let sql = "SELECT kind, name, since, reason, lifted_at FROM block WHERE kind <> 'installation'
         ORDER BY since DESC, kind, name";
    query(sql)
}

impl FromColumns for Block {
    const WHAT: &'static str = "block";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        let (kind, name) = (columns.text()?, columns.text()?);
        Ok(Self {
            target: Target::parse(&kind, &name).map_err(|why| columns.unreadable(why))?,
            at: columns.time()?,
            reason: columns.text()?,
            lifted_at: columns.optional_time()?,
        })
    }
}
