//! Waiting until every node acts on a change.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use sqlx::query;

use crate::{
    epoch::{
        lease::{self, LOOK_EVERY},
        view::View,
    },
    error::StoreError,
    sql::{
        columns::Columns,
        connect::{Connect, Purpose},
    },
};

/// One row for each node whose last durable word is of an older epoch than the one with that stamp, or of none of this
/// history; one without a name when there is no such node; none when the stamp is not of this history.
const LAGGING: &str = "SELECT l.name, l.seen_at FROM epoch g LEFT JOIN
        (SELECT n.name, n.seen_at, e.value FROM node n LEFT JOIN epoch e ON e.stamp = n.stamp) l
    ON l.value IS NULL OR l.value < g.value WHERE g.stamp = $1";

/// Returns when every live node has written down, durably, that it acts on an epoch at least as new as the one that
/// this process shows: the one of its own last change, or a later one. An error when that is not in the database any
/// more.
///
/// A node that gives no sign of life for `store_silence` refuses everything by itself, so nobody waits
/// for it longer. Clocks of different machines are never compared.
pub(crate) async fn wait(connect: &Connect, view: &View) -> Result<(), StoreError> {
    let silence = connect.silence();
    let mut connection = connect.connect(Purpose::Watch).await?;
    // What this process shows is at least what it has just changed.
    let goal = view.shown().1.stamp.clone();
    let began = Instant::now();
    // When each node that lags was first seen with its present sign of life.
    let mut signs: HashMap<String, (i64, Instant)> = HashMap::new();
    loop {
        let rows = query(LAGGING).bind(goal.as_str()).fetch_all(&mut connection).await?;
        if rows.is_empty() {
            return Err(StoreError::forked("what was just changed is not in it any more"));
        }
        let mut lagging = Vec::new();
        for row in &rows {
            let mut columns = Columns::of("node", row);
            let Some(name) = columns.optional_text()? else { continue };
            let seen_at: i64 = columns.number()?;
            let sign = signs.entry(name.clone()).or_insert((seen_at, Instant::now()));
            if sign.0 != seen_at {
                *sign = (seen_at, Instant::now());
            }
            if sign.1.elapsed() > silence + 2 * LOOK_EVERY {
                lease::forget(&mut connection, &name, seen_at).await?;
            } else {
                lagging.push(name);
            }
        }
        if lagging.is_empty() {
            return Ok(());
        }
        if began.elapsed() > 3 * silence + Duration::from_secs(1) {
            return Err(StoreError::NotEverywhere(lagging.join(", ")));
        }
        tokio::time::sleep(LOOK_EVERY / 5).await;
    }
}
