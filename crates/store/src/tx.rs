//! One change in the making.

use model::Timestamp;
use sqlx::AnyConnection;

use crate::StoreError;

/// One change in the making: what [`crate::Store::write`] hands to its closure.
pub struct Tx<'c> {
    pub(crate) connection: &'c mut AnyConnection,
    pub(crate) now: Timestamp,
    /// The epoch was bumped by this change.
    pub(crate) bumped: bool,
}

impl Tx<'_> {
    /// The time of this change.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Makes every node reload what it holds in memory. Called for anything that takes authority away;
    /// the functions here that do so call it themselves.
    pub async fn bump_epoch(&mut self) -> Result<(), StoreError> {
        if !self.bumped {
            sqlx::query("UPDATE counter SET value = value + 1 WHERE name = 'epoch'")
                .execute(&mut *self.connection)
                .await?;
            self.bumped = true;
        }
        Ok(())
    }
}
