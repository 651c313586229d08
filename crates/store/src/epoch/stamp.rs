//! The revocation epoch: which state of what was taken away a node acts on.
//!
//! A number alone can be restored with a backup and then be reached a second time, by another history. So each
//! epoch has a stamp that is chained to the one before, to the head of the log, and to chance: equal stamps mean
//! equal state, and anything else is looked at again.

use audit::leaf_hash;
use sqlx::{AnyConnection, query};

use crate::{error::StoreError, log::head::Head, sql::columns::Columns};

/// One epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Epoch {
    /// Its number in this history.
    pub(crate) value: u64,
    /// What no other epoch of any history has.
    pub(crate) stamp: String,
}

/// So many epochs back a node may be and still be known as one of this history.
const REMEMBERED: u64 = 10_000;

/// The epoch in the database.
pub(crate) async fn current(connection: &mut AnyConnection) -> Result<Epoch, StoreError> {
    let row = query("SELECT value, stamp FROM epoch ORDER BY value DESC LIMIT 1").fetch_one(connection).await?;
    let mut columns = Columns::of("epoch", &row);
    Ok(Epoch { value: columns.number()?, stamp: columns.text()? })
}

/// Begins the next epoch with the records that end at `head`.
pub(crate) async fn begin(connection: &mut AnyConnection, head: &Head) -> Result<(), StoreError> {
    let before = current(connection).await?;
    let chance: [u8; 16] = crypto::random();
    let link = [before.stamp.as_bytes(), &head.frontier.root().0, &chance].concat();
    let stamp: String = leaf_hash(&link).0.iter().map(|byte| format!("{byte:02x}")).collect();
    query("INSERT INTO epoch (value, stamp, log_size) VALUES ($1, $2, $3)")
        .bind(before.value as i64 + 1)
        .bind(stamp)
        .bind(head.size as i64)
        .execute(&mut *connection)
        .await?;
    query("DELETE FROM epoch WHERE value <= $1")
        .bind((before.value + 1).saturating_sub(REMEMBERED) as i64)
        .execute(connection)
        .await?;
    Ok(())
}
