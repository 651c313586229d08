//! Signed notes: a text, a blank line, and signature lines that name their key.
//!
//! Spec: C2SP signed-note.

/// Why a signed note or a verifier key was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The text is not a signed note.
    #[error("not a signed note: {0}")]
    NotANote(&'static str),
    /// The note is signed, but not by the key we trust.
    #[error("the note carries no signature by key `{name}`")]
    NotSignedBy {
        /// The name of the key that was looked for.
        name: String,
    },
    /// The signature does not fit the text and the key.
    #[error("the signature by key `{name}` is wrong: the text or the key was changed")]
    BadSignature {
        /// The name of the key.
        name: String,
    },
    /// The signed text is not a checkpoint.
    #[error("not a checkpoint: {0}")]
    NotACheckpoint(&'static str),
    /// The checkpoint belongs to another log.
    #[error("the checkpoint is of log `{found}`, not of `{expected}`")]
    OtherLog {
        /// The origin that was expected.
        expected: String,
        /// The origin the checkpoint names.
        found: String,
    },
    /// The text is not a verifier key.
    #[error("not a verifier key (expected `name+hash+base64`): {0}")]
    NotAKey(&'static str),
}

/// The published form of the log's public key: `origin+hash+base64`.
///
/// Spec: C2SP signed-note, verifier keys
pub fn verifier_key(origin: &str, public: &[u8; 32]) -> String {
    let _ = (origin, public);
    todo!()
}

/// Reads a verifier key: its name and the Ed25519 public key.
///
/// # Errors
/// [`NoteError::NotAKey`], also when the hash does not fit the key.
pub fn parse_verifier_key(text: &str) -> Result<(String, [u8; 32]), NoteError> {
    let _ = text;
    todo!()
}
