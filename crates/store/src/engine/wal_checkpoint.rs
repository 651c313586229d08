//! Moving what was committed out of the write-ahead log of a SQLite file, beside the writer.
//!
//! Left alone, SQLite does it within the commit that makes the log long. Whoever commits then waits until the disk has taken
//! a thousand pages that lie apart, and everybody waits for that commit: nothing is noticed of it, until a revocation writes
//! down a million ends. So a connection of its own does it, which holds up nobody. The writer does it only when this one does
//! not keep up, and finds little left.

use std::{sync::Arc, time::Duration};

use sqlx::{AnyConnection, Connection, raw_sql};
use tokio::{sync::watch, time::sleep};

use crate::{
    epoch::view::View,
    sql::connect::{Connect, Purpose},
};

/// Each move waits for the disk twice, so there is a pause between two.
const PAUSE: Duration = Duration::from_millis(250);
/// What others read is not waited for: it is moved the next time.
const MOVE: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// Moves until `stop` is gone.
pub(crate) async fn run(connect: Connect, view: Arc<View>, mut stop: watch::Receiver<()>) {
    let mut connection: Option<AnyConnection> = None;
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            () = view.commits_went.notified() => {}
        }
        let opened = match connection.take() {
            Some(opened) => Ok(opened),
            None => connect.connect(Purpose::Watch).await,
        };
        // What fails here fails the writer too, which says so.
        if let Ok(mut opened) = opened
            && raw_sql(MOVE).execute(&mut opened).await.is_ok()
        {
            connection = Some(opened);
        }
        tokio::select! {
            _ = stop.changed() => break,
            () = sleep(PAUSE) => {}
        }
    }
    if let Some(connection) = connection {
        let _ = connection.close().await;
    }
}
