//! The lease of a node: what it acts on, written down durably, and until when that counts.
//!
//! Nobody compares the times of different nodes, or one of them with a clock: a sign of life that changes is a sign of life.

use std::{collections::BTreeMap, time::Duration};

use model::{Clock, SystemClock};
use sqlx::{AnyConnection, query};

use crate::{error::StoreError, sql::columns::Columns};

/// Between two looks at the epoch.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A node, as others know it.
#[derive(Clone, Debug)]
pub(crate) struct NodeName {
    /// Its name, which no other process has.
    pub(crate) name: String,
    /// Which start of it this is.
    pub(crate) boot: String,
}

/// The last sign of life of each node.
pub(crate) type Signs = BTreeMap<String, i64>;

/// Writes down, durably, which epoch `node` acts on. Nobody compares the time with a clock, only with itself.
pub(crate) async fn renew(
    connection: &mut AnyConnection,
    node: &NodeName,
    stamp: &str,
    log_size: u64,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO node (name, boot, stamp, log_size, seen_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (name) DO UPDATE SET boot = excluded.boot, stamp = excluded.stamp,
             log_size = excluded.log_size, seen_at = excluded.seen_at",
    )
    .bind(&node.name)
    .bind(&node.boot)
    .bind(stamp)
    .bind(log_size as i64)
    .bind(SystemClock.now().micros())
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends the lease of a node that stops.
pub(crate) async fn give_up(connection: &mut AnyConnection, node: &NodeName) -> Result<(), StoreError> {
    query("DELETE FROM node WHERE name = $1").bind(&node.name).execute(connection).await?;
    Ok(())
}

/// Forgets a node whose last sign of life is still `sign`.
pub(crate) async fn forget(connection: &mut AnyConnection, name: &str, sign: i64) -> Result<(), StoreError> {
    query("DELETE FROM node WHERE name = $1 AND seen_at = $2").bind(name).bind(sign).execute(connection).await?;
    Ok(())
}

/// The last sign of life of every node that has a row.
pub(crate) async fn signs(connection: &mut AnyConnection) -> Result<Signs, StoreError> {
    let rows = query("SELECT name, seen_at FROM node").fetch_all(connection).await?;
    let sign = |row| {
        let mut columns = Columns::of("node", row);
        Ok((columns.text()?, columns.number()?))
    };
    rows.iter().map(sign).collect()
}

/// The last sign of life of one node; `None` when it has no row.
pub(crate) async fn last_sign(connection: &mut AnyConnection, name: &str) -> Result<Option<i64>, StoreError> {
    let row = query("SELECT seen_at FROM node WHERE name = $1").bind(name).fetch_optional(connection).await?;
    row.map(|row| Columns::of("node", &row).number()).transpose()
}
