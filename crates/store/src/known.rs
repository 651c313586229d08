//! The head of the log, and what this process knows of it.
//!
//! The database is not believed: whoever can write to it could put another history there and wait for the
//! next append to sign it. So a head counts only when it carries our signature, and when it continues the
//! head that this process knew before. Anything else is a fork, and closes the store.
//!
//! Spec: C2SP tlog-checkpoint.

use audit::{Checkpoint, Frontier, Hash, Tail};
use model::Timestamp;
use sqlx::{AnyConnection, query};

use crate::{StoreError, append::LogSigner, columns::Columns, connect::Dialect, tail};

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
            return Err(forked("its head is gone"));
        };
        let mut columns = Columns::of("head of the log", &row);
        let (size, frontier, note) = (columns.number()?, columns.bytes()?, columns.text()?);
        let (changed_at, open_calls) = (columns.time()?, columns.optional_bytes()?.unwrap_or_default());
        let clock = columns.optional_time()?;
        let frontier = Frontier::from_bytes(&frontier).map_err(forked)?;
        Ok((Self { size, frontier, note, changed_at, open_calls }, clock))
    }

    /// Is it the one that was signed?
    pub(crate) fn check(&self, origin: &str, public: &[u8; 32]) -> Result<(), StoreError> {
        let signed = Checkpoint::open(&self.note, origin, public).map_err(forked)?;
        let stored = (self.size, self.frontier.size(), self.frontier.root());
        if stored == (signed.size, signed.size, signed.root) {
            Ok(())
        } else {
            Err(forked("its head is not the one that was signed"))
        }
    }
}

/// A head that this process wrote or checked, and the tail below it.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) head: Head,
    pub(crate) tail: Tail,
}

impl Known {
    /// Checks the head that was found first.
    pub(crate) async fn first(
        connection: &mut AnyConnection,
        signer: &LogSigner,
        head: Head,
    ) -> Result<Self, StoreError> {
        head.check(&signer.origin, &signer.public)?;
        let tail = tail::read(connection, head.size).await.map_err(missing)?;
        Self::of(head, tail)
    }

    /// Checks a head that was found later: the one known, or one that continues it.
    pub(crate) async fn follow(
        &mut self,
        connection: &mut AnyConnection,
        signer: &LogSigner,
        head: Head,
    ) -> Result<(), StoreError> {
        if head == self.head {
            return Ok(());
        }
        head.check(&signer.origin, &signer.public)?;
        if head.size < self.head.size {
            return Err(forked(format!("it has {} records, and had {} before", head.size, self.head.size)));
        }
        let tail = tail::catch_up(connection, self.tail.clone(), head.size).await.map_err(missing)?;
        *self = Self::of(head, tail)?;
        Ok(())
    }

    /// Its size and root.
    pub(crate) fn at(&self) -> (u64, Hash) {
        (self.head.size, self.head.frontier.root())
    }

    fn of(head: Head, tail: Tail) -> Result<Self, StoreError> {
        if tail.frontier() == head.frontier {
            Ok(Self { head, tail })
        } else {
            Err(forked("its records and its head do not belong together"))
        }
    }
}

/// The clock of a PostgreSQL server, in microseconds.
macro_rules! server_clock {
    () => {
        "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
    };
}
pub(crate) use server_clock;

pub(crate) fn forked(why: impl ToString) -> StoreError {
    StoreError::LogForked(why.to_string())
}

/// Rows of the log that should be there are not, or are not what this program writes.
fn missing(error: StoreError) -> StoreError {
    match error {
        StoreError::Unreadable { why, .. } => StoreError::LogForked(why),
        error => error,
    }
}
