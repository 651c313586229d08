//! What signs the log.
//!
//! Spec: C2SP tlog-checkpoint.

use audit::{Checkpoint, Frontier};
use crypto::LogKey;

/// What signs the log, and what it is called.
pub(crate) struct LogSigner {
    pub(crate) key: LogKey,
    pub(crate) public: [u8; 32],
    pub(crate) origin: String,
}

impl LogSigner {
    pub(crate) fn new(key: LogKey, origin: String) -> Self {
        Self { public: key.public_bytes(), key, origin }
    }

    /// The signed note of a head.
    pub(crate) fn sign(&self, frontier: &Frontier) -> String {
        let head = Checkpoint { origin: self.origin.clone(), size: frontier.size(), root: frontier.root() };
        head.sign(&|message| self.key.sign(message), &self.public)
    }
}

/// Whose signature the head of the log carries.
#[derive(Clone, Debug)]
pub(crate) struct LogName {
    pub(crate) origin: String,
    pub(crate) public: [u8; 32],
}

impl LogName {
    pub(crate) fn of(signer: &LogSigner) -> Self {
        Self { origin: signer.origin.clone(), public: signer.public }
    }
}
