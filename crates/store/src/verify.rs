//! Verifying the log of a stopped or running installation.

use std::path::Path;

use model::config::StoreUrl;

/// Why a log does not verify, or could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The log is not what was signed.
    #[error("{0}")]
    Finding(audit::Finding),
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
pub async fn verify(url: &StoreUrl, data_dir: &Path, witness: Option<&str>) -> Result<audit::Report, VerifyError> {
    todo!()
}
