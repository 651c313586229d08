//! Verifying the log of a stopped or running installation.

use std::{fs, path::Path};

use audit::{Checkpoint, Finding, Hash, LogSource, Report, parse_verifier_key, verify_log};
use model::config::StoreUrl;
use sqlx::AnyConnection;
use tokio::{runtime::Handle, task::spawn_blocking};

use crate::{
    StoreError,
    connect::{Connect, Purpose},
    log,
    open::VERIFIER_KEY_FILE,
};

/// Why a log does not verify, or could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The log is not what was signed.
    #[error(transparent)]
    Finding(Finding),
    /// It could not be read.
    #[error("the log can not be read: {0}")]
    Unreadable(String),
    /// The verifier key is missing or malformed.
    #[error("`{path}` is not a verifier key: {why}")]
    VerifierKey {
        /// Where it was looked for.
        path: std::path::PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The witness's checkpoint is not one of this log.
    #[error("the witness's checkpoint can not be used: {0}")]
    Witness(String),
}

/// Recomputes the whole log and compares it with its checkpoint, and with an older checkpoint
/// that a witness kept. The database is opened read-only; the public key is `data_dir/audit.vkey`.
pub async fn verify(url: &StoreUrl, data_dir: &Path, witness: Option<&str>) -> Result<Report, VerifyError> {
    let (origin, public) = verifier_key(&data_dir.join(VERIFIER_KEY_FILE))?;
    let witness = witness
        .map(|note| Checkpoint::open(note, &origin, &public))
        .transpose()
        .map_err(|error| VerifyError::Witness(error.to_string()))?;
    let unreadable = |error: &dyn std::fmt::Display| VerifyError::Unreadable(error.to_string());
    let connect = Connect::read_only(url).map_err(|error| unreadable(&error))?;
    let connection = connect.connect(Purpose::Read).await.map_err(|error| unreadable(&error))?;
    let runtime = Handle::current();
    spawn_blocking(move || {
        let mut reader = LogReader { connection, runtime };
        verify_log(&mut reader, &origin, &public, witness.as_ref())
    })
    .await
    .map_err(|error| unreadable(&error))?
    .map_err(|finding| match finding {
        Finding::Unreadable { why } => VerifyError::Unreadable(why),
        finding => VerifyError::Finding(finding),
    })
}

fn verifier_key(path: &Path) -> Result<(String, [u8; 32]), VerifyError> {
    let why = |why: String| VerifyError::VerifierKey { path: path.to_owned(), why };
    let text = fs::read_to_string(path).map_err(|error| why(error.to_string()))?;
    parse_verifier_key(&text).map_err(|error| why(error.to_string()))
}

/// A stored log, read from a thread that may wait.
struct LogReader {
    connection: AnyConnection,
    runtime: Handle,
}

/// How many records are read at a time.
const AT_ONCE: u32 = 4096;

impl LogSource for LogReader {
    type Error = StoreError;

    fn checkpoint(&mut self) -> Result<String, StoreError> {
        self.runtime.block_on(log::checkpoint(&mut self.connection))
    }

    fn entries(&mut self, first: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        let found = self.runtime.block_on(log::some(&mut self.connection, first, AT_ONCE))?;
        Ok(found.into_iter().map(|(_, entry)| entry).collect())
    }

    fn leaf_hashes(&mut self, tile_index: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        self.runtime.block_on(log::stored_tile(&mut self.connection, tile_index))
    }
}
