//! The offline verifier: does the stored log still say what was signed?

use std::fmt::Display;

use crate::{Checkpoint, Hash, NoteError};

/// A stored log, as the verifier reads it.
pub trait LogSource {
    /// Why it can not be read.
    type Error: Display;

    /// The latest signed checkpoint.
    ///
    /// # Errors
    /// When it can not be read.
    fn checkpoint(&mut self) -> Result<String, Self::Error>;

    /// Some records from index `first` on, in order; empty when there is no record at `first`.
    ///
    /// # Errors
    /// When they can not be read.
    fn entries(&mut self, first: u64) -> Result<Vec<Vec<u8>>, Self::Error>;

    /// The stored leaf hashes of a level-0 tile (full or partial), to name a changed record exactly;
    /// `None` when they are not stored.
    ///
    /// # Errors
    /// When they can not be read.
    fn leaf_hashes(&mut self, tile_index: u64) -> Result<Option<Vec<Hash>>, Self::Error>;
}

/// A log that is what was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many records were read and hashed.
    pub size: u64,
    /// The root over them, equal to the signed one.
    pub root: Hash,
    /// The size of the witness's older checkpoint, when one was given and holds.
    pub witnessed: Option<u64>,
}

/// What is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// The log can not be read.
    #[error("the log can not be read: {why}")]
    Unreadable {
        /// The source's own words.
        why: String,
    },
    /// The checkpoint was not signed by this log's key.
    #[error("the checkpoint does not hold: {0}")]
    Checkpoint(#[from] NoteError),
    /// A record is not the one that was signed.
    #[error("record {index} is not the one that was signed: it was edited, or records were removed or reordered")]
    Edited {
        /// The first record that differs.
        index: u64,
    },
    /// The records and the stored hashes agree with each other, but not with the signed root.
    #[error("the {size} records do not hash to the signed root: records and stored hashes were changed together")]
    Rewritten {
        /// The size of the signed log.
        size: u64,
    },
    /// The records hold, but a stored leaf hash was changed.
    #[error("the records hold, but the stored hash of record {index} was changed")]
    HashEdited {
        /// The first record whose stored hash differs.
        index: u64,
    },
    /// Records are missing, and later ones are there.
    #[error("record {index} is missing; later ones exist")]
    Missing {
        /// The first record that is missing.
        index: u64,
    },
    /// Records at the end are missing.
    #[error("the log was cut off: {size} records were signed, {found} are there")]
    Truncated {
        /// How many records were signed.
        size: u64,
        /// How many are there.
        found: u64,
    },
    /// There are records that no checkpoint covers.
    #[error("record {index} and later ones are under no signed checkpoint")]
    Unsigned {
        /// The first such record.
        index: u64,
    },
    /// The witness saw more records than the log now has.
    #[error("a witness saw {witnessed} records, but only {size} are signed now: the log was rolled back")]
    RolledBack {
        /// The size the witness saw.
        witnessed: u64,
        /// The size now signed.
        size: u64,
    },
    /// The log does not begin with what the witness saw.
    #[error("the first {witnessed} records are not those a witness saw: history was rewritten")]
    NotAPrefix {
        /// The size the witness saw.
        witnessed: u64,
    },
}

/// Reads the whole log and compares it with its checkpoint, and with an older one that `witness` kept.
///
/// # Errors
/// The first [`Finding`].
pub fn verify_log<S: LogSource>(
    source: &mut S,
    origin: &str,
    public: &[u8; 32],
    witness: Option<&Checkpoint>,
) -> Result<Report, Finding> {
    let _ = (source, origin, public, witness);
    todo!()
}
