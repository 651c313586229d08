//! One change in the making.

use model::{Event, Timestamp};
use sqlx::{
    Any, AnyConnection,
    any::{AnyArguments, AnyRow},
    query::Query,
};

use crate::error::StoreError;

/// One change in the making: what [`crate::Store::write`] hands to its closure.
pub struct Tx<'c> {
    pub(crate) connection: &'c mut AnyConnection,
    pub(crate) now: Timestamp,
    /// The epoch was bumped by this change.
    pub(crate) bumped: bool,
    /// Time was put back to `now` by this change.
    pub(crate) put_right: bool,
    /// Elevations that ended together with what this change took away. Each has its record, whoever made the change.
    pub(crate) ended: Vec<Event>,
    /// A statement failed: whatever the closure makes of it, the change is rolled back.
    pub(crate) failed: bool,
}

impl<'c> Tx<'c> {
    /// One that has done nothing yet.
    pub(crate) fn begun(connection: &'c mut AnyConnection, now: Timestamp) -> Self {
        Self { connection, now, bumped: false, put_right: false, ended: Vec::new(), failed: false }
    }
}

impl Tx<'_> {
    /// The time of this change.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Makes every node reload what it holds in memory. Called for anything that takes authority away;
    /// the functions here that do so call it themselves.
    pub async fn bump_epoch(&mut self) -> Result<(), StoreError> {
        self.bumped = true;
        Ok(())
    }

    /// Runs a statement; how many rows it changed.
    pub(crate) async fn run(&mut self, query: Query<'_, Any, AnyArguments>) -> Result<u64, StoreError> {
        let outcome = query.execute(&mut *self.connection).await;
        self.failed |= outcome.is_err();
        Ok(outcome?.rows_affected())
    }

    /// Runs a statement; its first row.
    pub(crate) async fn row(&mut self, query: Query<'_, Any, AnyArguments>) -> Result<Option<AnyRow>, StoreError> {
        let outcome = query.fetch_optional(&mut *self.connection).await;
        self.failed |= outcome.is_err();
        Ok(outcome?)
    }
}
