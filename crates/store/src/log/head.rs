//! The head of the log as the database has it, and whether it is the one that was signed.
//!
//! Spec: C2SP tlog-checkpoint.

use audit::{Checkpoint, Frontier};
use model::Timestamp;
use sqlx::{AnyConnection, query};

use crate::{
    error::StoreError,
    sql::{columns::Columns, connect::Dialect, server_clock::server_clock},
};

/// The head of the log as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) size: u64,
    pub(crate) frontier: Frontier,
    pub(crate) note: String,
    /// When the last change was made.
    pub(crate) changed_at: Timestamp,
    /// The calls that have no end yet; see `open_calls`.
    pub(crate) open_calls: Vec<u8>,
}

impl Head {
    /// Reads it, and the clock of the database server if there is one. In PostgreSQL this is where writers of all
    /// nodes wait for each other.
    pub(crate) async fn lock(
        connection: &mut AnyConnection,
        dialect: Dialect,
    ) -> Result<(Self, Option<Timestamp>), StoreError> {
        Self::of(
            connection,
            match dialect {
                Dialect::Sqlite => {
                    "SELECT size, frontier, checkpoint, changed_at, open_calls, NULL FROM audit_head WHERE one = 1"
                }
                Dialect::Postgres => concat!(
                    "SELECT size, frontier, checkpoint, changed_at, open_calls, ",
                    server_clock!(),
                    " FROM audit_head WHERE one = 1 FOR UPDATE"
                ),
            },
        )
        .await
    }

    /// Reads it, and waits for nobody.
    pub(crate) async fn read(connection: &mut AnyConnection) -> Result<Self, StoreError> {
        let sql = "SELECT size, frontier, checkpoint, changed_at, open_calls, NULL FROM audit_head WHERE one = 1";
        Ok(Self::of(connection, sql).await?.0)
    }

    async fn of(connection: &mut AnyConnection, sql: &'static str) -> Result<(Self, Option<Timestamp>), StoreError> {
        let Some(row) = query(sql).fetch_optional(connection).await? else {
            return Err(StoreError::forked("its head is gone"));
        };
        let mut columns = Columns::of("head of the log", &row);
        let (size, frontier, note) = (columns.number()?, columns.bytes()?, columns.text()?);
        let (changed_at, open_calls) = (columns.time()?, columns.optional_bytes()?.unwrap_or_default());
        let clock = columns.optional_time()?;
        let frontier = Frontier::from_bytes(&frontier).map_err(StoreError::forked)?;
        Ok((Self { size, frontier, note, changed_at, open_calls }, clock))
    }

    /// Is it the one that was signed?
    pub(crate) fn check(&self, origin: &str, public: &[u8; 32]) -> Result<(), StoreError> {
        let signed = Checkpoint::open(&self.note, origin, public).map_err(StoreError::forked)?;
        let stored = (self.size, self.frontier.size(), self.frontier.root());
        if stored == (signed.size, signed.size, signed.root) {
            Ok(())
        } else {
            Err(StoreError::forked("its head is not the one that was signed"))
        }
    }
}
