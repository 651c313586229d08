//! Taking turns with other processes that write to the same SQLite file.
//!
//! SQLite lets a waiting writer try again now and then, and whoever commits without a pause is always there
//! first: a busy server would keep a revocation on the command line waiting. So whoever wants to write takes
//! this lock before it begins, and holds it only until it has begun. A writer that waits to begin keeps it,
//! and then the busy one has to wait before its next transaction.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::time::{Instant, sleep};

/// The file inside the directory of the database.
pub(crate) const LOCK_FILE: &str = "portcullis.turn";

/// How long to wait for the turn. After that the database itself decides: a process that hangs with the turn
/// in its hands makes the others slower, and stops nobody.
const PATIENCE: Duration = Duration::from_millis(250);
const BETWEEN: Duration = Duration::from_millis(1);

/// Was it said that the turn is held by somebody who does not let go?
static HELD: AtomicBool = AtomicBool::new(false);

/// The lock: the right to begin next, until it is dropped.
pub(crate) struct WriterLock {
    _held: Option<File>,
}

/// Waits for the lock. `path`: of its file; a server needs none.
pub(crate) async fn take(path: Option<&PathBuf>) -> WriterLock {
    let open = |path| OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    let Some(Ok(file)) = path.map(open) else { return WriterLock { _held: None } };
    let deadline = Instant::now() + PATIENCE;
    while file.try_lock().is_err() {
        if Instant::now() >= deadline {
            // Once, until it is free again.
            if !HELD.swap(true, Ordering::Relaxed) {
                let path = path.map(|path| path.display().to_string());
                tracing::warn!(event = "turn_held", path, "another process does not let go of it; going on without");
            }
            return WriterLock { _held: None };
        }
        sleep(BETWEEN).await;
    }
    HELD.store(false, Ordering::Relaxed);
    WriterLock { _held: Some(file) }
}
