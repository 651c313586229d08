//! What this process knows of the head of the log.
//!
//! The database is not believed: whoever can write to it could put another history there and wait for the
//! next append to sign it. So a head counts only when it carries our signature, and when it continues the
//! head that this process knew before. Anything else is a fork, and closes the store.
//!
//! Spec: C2SP tlog-checkpoint.

use audit::{Hash, Tail};
use sqlx::AnyConnection;

use crate::{
    error::StoreError,
    log::{head::Head, partial_tiles, signer::LogSigner},
};

/// A head that this process wrote or checked, and the tail below it.
#[derive(Clone, Debug)]
pub(crate) struct KnownHead {
    pub(crate) head: Head,
    pub(crate) tail: Tail,
}

impl KnownHead {
    /// Checks the head that was found first.
    pub(crate) async fn first(
        connection: &mut AnyConnection,
        signer: &LogSigner,
        head: Head,
    ) -> Result<Self, StoreError> {
        head.check(&signer.origin, &signer.public)?;
        let tail = partial_tiles::read(connection, head.size).await.map_err(missing)?;
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
            return Err(StoreError::forked(format!("it has {} records, and had {} before", head.size, self.head.size)));
        }
        let tail = partial_tiles::catch_up(connection, self.tail.clone(), head.size).await.map_err(missing)?;
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
            Err(StoreError::forked("its records and its head do not belong together"))
        }
    }
}

/// Rows of the log that should be there are not, or are not what this program writes.
fn missing(error: StoreError) -> StoreError {
    match error {
        StoreError::Unreadable { why, .. } => StoreError::LogForked(why),
        error => error,
    }
}
