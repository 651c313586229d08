//! The offline verifier: does the stored log still say what was signed?
//!
//! Every record is hashed anew and the root compared with the signed one, so nothing stored is
//! believed but the records and the signature. The stored leaf hashes serve only to name the
//! record that was changed. Cutting off the end *and* putting an older checkpoint back leaves no
//! trace inside the log: that is what a witness's checkpoint, kept elsewhere, is for.

use std::fmt::Display;

use crate::{Checkpoint, Frontier, Hash, NoteError, leaf_hash, tile::TILE_WIDTH};

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
    let signed = Checkpoint::open(&readable(source.checkpoint())?, origin, public)?;
    if let Some(witness) = witness
        && witness.size > signed.size
    {
        return Err(Finding::RolledBack { witnessed: witness.size, size: signed.size });
    }
    let walked = Walk::over(source, signed.size, witness.map(|witness| witness.size))?;
    if walked.frontier.root() != signed.root {
        return Err(match walked.suspect {
            Some(index) => Finding::Edited { index },
            None => Finding::Rewritten { size: signed.size },
        });
    }
    if let Some(index) = walked.suspect {
        return Err(Finding::HashEdited { index });
    }
    if let Some(witness) = witness
        && walked.witnessed != Some(witness.root)
    {
        return Err(Finding::NotAPrefix { witnessed: witness.size });
    }
    nothing_unsigned(source, origin, public, &signed)?;
    Ok(Report { size: signed.size, root: signed.root, witnessed: witness.map(|witness| witness.size) })
}

/// What came out of reading and hashing the signed number of records.
struct Walk {
    frontier: Frontier,
    /// The first record whose hash is not the stored one.
    suspect: Option<u64>,
    /// The root at the size the witness saw.
    witnessed: Option<Hash>,
}

impl Walk {
    fn over<S: LogSource>(source: &mut S, size: u64, witnessed: Option<u64>) -> Result<Self, Finding> {
        let mut walk = Self { frontier: Frontier::new(), suspect: None, witnessed: None };
        let mut stored: Vec<Hash> = Vec::new();
        loop {
            if witnessed == Some(walk.frontier.size()) {
                walk.witnessed = Some(walk.frontier.root());
            }
            let first = walk.frontier.size();
            if first == size {
                return Ok(walk);
            }
            let entries = readable(source.entries(first))?;
            if entries.is_empty() {
                return Err(match walk.suspect {
                    Some(index) => Finding::Edited { index },
                    None => missing(source, first, size)?,
                });
            }
            for (index, entry) in (first..size).zip(&entries) {
                let within = (index % u64::from(TILE_WIDTH)) as usize;
                if within == 0 {
                    stored = readable(source.leaf_hashes(index / u64::from(TILE_WIDTH)))?.unwrap_or_default();
                }
                if witnessed == Some(index) {
                    walk.witnessed = Some(walk.frontier.root());
                }
                let leaf = leaf_hash(entry);
                if walk.suspect.is_none() && stored.get(within).is_some_and(|stored| *stored != leaf) {
                    walk.suspect = Some(index);
                }
                walk.frontier.append(leaf);
            }
        }
    }
}

/// Nothing is at `first`: is the end cut off, or is there a hole?
fn missing<S: LogSource>(source: &mut S, first: u64, size: u64) -> Result<Finding, Finding> {
    let last_is_there = !readable(source.entries(size - 1))?.is_empty();
    Ok(if last_is_there && first < size - 1 {
        Finding::Missing { index: first }
    } else {
        Finding::Truncated { size, found: first }
    })
}

/// Records beyond the checkpoint are an intrusion, unless the log grew while it was read.
fn nothing_unsigned<S: LogSource>(
    source: &mut S,
    origin: &str,
    public: &[u8; 32],
    signed: &Checkpoint,
) -> Result<(), Finding> {
    if readable(source.entries(signed.size))?.is_empty() {
        return Ok(());
    }
    let now = Checkpoint::open(&readable(source.checkpoint())?, origin, public)?;
    if now.size > signed.size { Ok(()) } else { Err(Finding::Unsigned { index: signed.size }) }
}

fn readable<T, E: Display>(read: Result<T, E>) -> Result<T, Finding> {
    read.map_err(|error| Finding::Unreadable { why: error.to_string() })
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
