//! Appending to the log inside a transaction.
//!
//! However many records a transaction brings, it costs one row, one signature and one new head.
//!
//! Spec: RFC 6962 §2.1, C2SP tlog-checkpoint.

use audit::{Checkpoint, Frontier, Hash, encode_bundle, encode_tile, leaf_hash};
use sqlx::{AnyConnection, query};
use token::LogKey;

use crate::{
    StoreError,
    columns::Columns,
    connect::Dialect,
    tail::{FullTile, Tail},
};

/// What signs the log, and what it is called.
pub(crate) struct LogSigner {
    pub(crate) key: LogKey,
    pub(crate) public: [u8; 32],
    pub(crate) origin: String,
}

impl LogSigner {
    pub(crate) fn new(key: LogKey, origin: String) -> Self {
        Self { public: key.public_bytes(), key, origin }
    }

    fn sign(&self, frontier: &Frontier) -> String {
        let head = Checkpoint { origin: self.origin.clone(), size: frontier.size(), root: frontier.root() };
        head.sign(&|message| self.key.sign(message), &self.public)
    }

    /// Writes the head of the empty log.
    pub(crate) async fn begin(&self, connection: &mut AnyConnection) -> Result<Frontier, StoreError> {
        let frontier = Frontier::new();
        query("INSERT INTO audit_head (one, size, frontier, checkpoint) VALUES (1, 0, $1, $2)")
            .bind(frontier.to_bytes())
            .bind(self.sign(&frontier))
            .execute(connection)
            .await?;
        Ok(frontier)
    }

    /// Appends `records` after `frontier`. `tail` is what the writer remembers of an earlier head, if anything;
    /// the new one is true only once the transaction is committed.
    pub(crate) async fn append(
        &self,
        connection: &mut AnyConnection,
        mut frontier: Frontier,
        tail: Option<Tail>,
        records: &[Vec<u8>],
    ) -> Result<Tail, StoreError> {
        let first = frontier.size();
        let mut tail = match tail {
            Some(mut tail) if tail.size() <= first => {
                tail.catch_up(connection, first).await?;
                tail
            }
            _ => Tail::read(connection, first).await?,
        };
        let leaves: Vec<Hash> = records.iter().map(|record| leaf_hash(record)).collect();
        query("INSERT INTO audit_batch (first_seq, count, entries, hashes) VALUES ($1, $2, $3, $4)")
            .bind(first as i64)
            .bind(records.len() as i64)
            .bind(encode_bundle(records))
            .bind(encode_tile(&leaves))
            .execute(&mut *connection)
            .await?;
        for leaf in leaves {
            frontier.append(leaf);
            for tile in tail.append(leaf) {
                put_tile(connection, &tile).await?;
            }
        }
        query("UPDATE audit_head SET size = $1, frontier = $2, checkpoint = $3 WHERE one = 1")
            .bind(frontier.size() as i64)
            .bind(frontier.to_bytes())
            .bind(self.sign(&frontier))
            .execute(connection)
            .await?;
        Ok(tail)
    }
}

/// The head of the log. In PostgreSQL this is where writers of all nodes wait for each other.
pub(crate) async fn head(connection: &mut AnyConnection, dialect: Dialect) -> Result<Frontier, StoreError> {
    let sql = match dialect {
        Dialect::Sqlite => "SELECT frontier FROM audit_head WHERE one = 1",
        Dialect::Postgres => "SELECT frontier FROM audit_head WHERE one = 1 FOR UPDATE",
    };
    let row = query(sql).fetch_one(connection).await?;
    let mut columns = Columns::of("head of the log", &row);
    Frontier::from_bytes(&columns.bytes()?).map_err(|error| columns.unreadable(error.to_string()))
}

async fn put_tile(connection: &mut AnyConnection, tile: &FullTile) -> Result<(), StoreError> {
    query("INSERT INTO audit_tile (level, idx, root, hashes) VALUES ($1, $2, $3, $4)")
        .bind(i64::from(tile.level))
        .bind(tile.index as i64)
        .bind(tile.root.0.to_vec())
        .bind(encode_tile(&tile.hashes))
        .execute(connection)
        .await?;
    Ok(())
}
