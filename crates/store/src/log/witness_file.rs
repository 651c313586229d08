//! The last head of the log that was seen from here, in a file beside the keys.
//!
//! It is what a restart remembers: a log that was cut off, or put back to an older state, still carries
//! our signature, but it does not continue this head.
//!
//! Spec: C2SP tlog-checkpoint.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use audit::{Checkpoint, check_consistency};
use sqlx::AnyConnection;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::{
    files::data_dir,
    log::{
        known_head::KnownHead,
        proofs,
        signer::{LogName, LogSigner},
    },
    open_error::OpenError,
};

/// The file inside the data directory: a checkpoint, as a witness keeps one.
pub(crate) const LAST_HEAD_FILE: &str = "audit.head";

/// What the file says; `None` when there is none.
pub(crate) fn read(data_dir: &Path) -> std::io::Result<Option<String>> {
    match fs::read_to_string(data_dir.join(LAST_HEAD_FILE)) {
        Ok(note) => Ok(Some(note)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Refuses a log that does not continue the head in the file. The caller holds the head of the log, so that
/// what another process wrote into the file is in the log already.
pub(crate) async fn check(
    connection: &mut AnyConnection,
    data_dir: &Path,
    signer: &LogSigner,
    known: &KnownHead,
) -> Result<(), OpenError> {
    let path = || data_dir.join(LAST_HEAD_FILE);
    let Some(note) = read(data_dir).map_err(data_dir::io(&path()))? else { return Ok(()) };
    let seen = Checkpoint::open(&note, &signer.origin, &signer.public)
        .map_err(|error| OpenError::NotAHead { path: path(), why: error.to_string() })?;
    let size = known.head.size;
    if size < seen.size {
        return Err(OpenError::LogCut { path: path(), seen: seen.size, size });
    }
    let rewritten = || OpenError::LogRewritten { path: path(), seen: seen.size };
    let proof = proofs::consistency(connection, seen.size, size).await.map_err(|_| rewritten())?;
    check_consistency(seen.size, size, &proof, seen.root, known.head.frontier.root()).map_err(|_| rewritten())
}

/// Writes that head down beside the keys, and waits until it is there.
pub(crate) async fn keep(data_dir: PathBuf, note: String, size: u64, log: LogName) {
    let _ = write(data_dir, note, size, log).await;
}

fn write(data_dir: PathBuf, note: String, size: u64, log: LogName) -> JoinHandle<()> {
    spawn_blocking(move || {
        // Another process with this directory may be ahead.
        let there = read(&data_dir).ok().flatten();
        let there = there.and_then(|note| Checkpoint::open(&note, &log.origin, &log.public).ok());
        if there.is_some_and(|there| there.size >= size) {
            return;
        }
        if let Err(error) = data_dir::replace(&data_dir.join(LAST_HEAD_FILE), note.as_bytes(), 0o644) {
            tracing::warn!(event = "log_head_not_kept", %error);
        }
    })
}

/// Keeps the file up to date, now and then.
pub(crate) struct Keeper {
    pub(crate) data_dir: PathBuf,
    kept: String,
    at_work: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(crate) fn new(data_dir: PathBuf) -> Self {
        Self { data_dir, kept: String::new(), at_work: None }
    }

    /// Begins to write `known` down, unless it is there or the last one is still being written.
    pub(crate) fn keep(&mut self, signer: &LogSigner, known: &KnownHead) {
        if self.kept == known.head.note || self.at_work.as_ref().is_some_and(|work| !work.is_finished()) {
            return;
        }
        self.kept.clone_from(&known.head.note);
        let (data_dir, note, size) = (self.data_dir.clone(), known.head.note.clone(), known.head.size);
        let (origin, public) = (signer.origin.clone(), signer.public);
        self.at_work = Some(write(data_dir, note, size, LogName { origin, public }));
    }

    /// Writes `known` down and waits until it is there.
    pub(crate) async fn finish(&mut self, signer: &LogSigner, known: &KnownHead) {
        if let Some(work) = self.at_work.take() {
            let _ = work.await;
        }
        self.keep(signer, known);
        if let Some(work) = self.at_work.take() {
            let _ = work.await;
        }
    }
}
