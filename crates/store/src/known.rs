//! The head of the log, and what this process knows of it.
//!
//! The database is not believed: whoever can write to it could put another history there and wait for the
//! next append to sign it. So a head counts only when it carries our signature, and when it continues the
//! head that this process knew before. Anything else is a fork, and closes the store.
//!
//! Spec: C2SP tlog-checkpoint.

use audit::{Checkpoint, Frontier, Tail};
use sqlx::{AnyConnection, query};

use crate::{StoreError, append::LogSigner, columns::Columns, connect::Dialect, tail};

/// The head of the log as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) size: u64,
    pub(crate) frontier: Frontier,
    pub(crate) note: String,
}

impl Head {
    /// Reads it. In PostgreSQL this is where writers of all nodes wait for each other.
    pub(crate) async fn lock(connection: &mut AnyConnection, dialect: Dialect) -> Result<Self, StoreError> {
        let sql = match dialect {
            Dialect::Sqlite => "SELECT size, frontier, checkpoint FROM audit_head WHERE one = 1",
            Dialect::Postgres => "SELECT size, frontier, checkpoint FROM audit_head WHERE one = 1 FOR UPDATE",
        };
        Self::of(sql, connection).await
    }

    /// Reads it, and waits for nobody.
    pub(crate) async fn read(connection: &mut AnyConnection) -> Result<Self, StoreError> {
        Self::of("SELECT size, frontier, checkpoint FROM audit_head WHERE one = 1", connection).await
    }

    async fn of(sql: &'static str, connection: &mut AnyConnection) -> Result<Self, StoreError> {
        let Some(row) = query(sql).fetch_optional(connection).await? else {
            return Err(forked("its head is gone"));
        };
        let mut columns = Columns::of("head of the log", &row);
        let (size, frontier, note) = (columns.number()?, columns.bytes()?, columns.text()?);
        let frontier = Frontier::from_bytes(&frontier).map_err(forked)?;
        Ok(Self { size, frontier, note })
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

    fn of(head: Head, tail: Tail) -> Result<Self, StoreError> {
        if tail.frontier() == head.frontier {
            Ok(Self { head, tail })
        } else {
            Err(forked("its records and its head do not belong together"))
        }
    }
}

fn forked(why: impl ToString) -> StoreError {
    StoreError::LogForked(why.to_string())
}

/// Rows of the log that should be there are not, or are not what this program writes.
fn missing(error: StoreError) -> StoreError {
    match error {
        StoreError::Unreadable { why, .. } => StoreError::LogForked(why),
        error => error,
    }
}
