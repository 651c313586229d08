//! Checkpoints: the signed head of the log.
//!
//! Spec: C2SP tlog-checkpoint.

use crate::{Hash, NoteError};

/// A head of the log: this many records, under this root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the log, for example `mcp.acme.example/audit`.
    pub origin: String,
    /// How many records.
    pub size: u64,
    /// The root hash of the tree over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn to_note_body(&self) -> String {
        todo!()
    }

    /// The whole signed note. The key's name is the origin.
    pub fn sign(&self, sign: &dyn Fn(&[u8]) -> [u8; 64], public: &[u8; 32]) -> String {
        let _ = (sign, public);
        todo!()
    }

    /// Reads a note and checks that `public` signed it for the log `origin`.
    ///
    /// # Errors
    /// One [`NoteError`] per cause.
    pub fn open(note: &str, origin: &str, public: &[u8; 32]) -> Result<Self, NoteError> {
        let _ = (note, origin, public);
        todo!()
    }
}
