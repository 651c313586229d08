//! The offline verifier: does the stored log still say what was signed?
//!
//! Every record is hashed anew and the root compared with the signed one, so nothing stored is
//! believed but the records and the signature. Then everything else that is stored is compared with
//! what came out: hashes, counts, tiles, the head. Cutting off the end *and* putting an older
//! checkpoint back leaves no trace inside the log: that is what a witness's checkpoint, kept
//! elsewhere, is for.

use std::fmt::Display;

use crate::{
    Checkpoint, Frontier, FullTile, Hash, NoteError, Tail, decode_bundle, encode_tile, leaf_hash, tile::TILE_WIDTH,
};

/// A stored log, as the verifier reads it: one state of it, which does not change meanwhile.
pub trait LogSource {
    /// Why it can not be read.
    type Error: Display;

    /// The stored head.
    ///
    /// # Errors
    /// When it can not be read.
    fn head(&mut self) -> Result<StoredHead, Self::Error>;

    /// Some of the rows of records that begin at `first` or later, in order; empty when there are none.
    ///
    /// # Errors
    /// When they can not be read.
    fn batches(&mut self, first: u64) -> Result<Vec<StoredBatch>, Self::Error>;

    /// A stored full tile; `None` when it is not there.
    ///
    /// # Errors
    /// When it can not be read.
    fn tile(&mut self, level: u8, index: u64) -> Result<Option<StoredTile>, Self::Error>;

    /// How many tiles are stored.
    ///
    /// # Errors
    /// When they can not be counted.
    fn tiles(&mut self) -> Result<u64, Self::Error>;
}

/// The head as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredHead {
    /// The signed checkpoint.
    pub checkpoint: String,
    /// The size beside it.
    pub size: u64,
    /// The frontier beside it.
    pub frontier: Vec<u8>,
}

/// A row of records as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBatch {
    /// The index of its first record.
    pub first: u64,
    /// How many records it claims to hold.
    pub count: u64,
    /// The records, as a bundle.
    pub entries: Vec<u8>,
    /// The leaf hashes of the records, 32 bytes each.
    pub hashes: Vec<u8>,
}

/// A full tile as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTile {
    /// The hash of the subtree it spans.
    pub root: Vec<u8>,
    /// Its hashes, 32 bytes each.
    pub hashes: Vec<u8>,
}

/// A log that is what was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many records were read and hashed.
    pub size: u64,
    /// The root over them, equal to the signed one.
    pub root: Hash,
    /// The size of the newest of the witnesses' checkpoints, when there were any; all of them hold.
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
    /// Two rows claim the same record.
    #[error("a row that begins at record {index} lies inside the one before it: it shows another record in its place")]
    Shadowed {
        /// Where the second row begins.
        index: u64,
    },
    /// A row does not hold as many records as it says.
    #[error("the row at record {index} claims {count} records; it holds {entries}, and {hashes} hashes")]
    Miscounted {
        /// Where the row begins.
        index: u64,
        /// How many records it claims.
        count: u64,
        /// How many it holds.
        entries: u64,
        /// How many hashes it holds.
        hashes: u64,
    },
    /// The records hold, but a stored tile does not follow from them.
    #[error("the records hold, but tile {index} of level {level} is missing or was changed")]
    Tile {
        /// Its level.
        level: u8,
        /// Its place in the level.
        index: u64,
    },
    /// There are tiles that the log does not have.
    #[error("the log has {expected} full tiles, but {found} are stored")]
    StrayTiles {
        /// How many there should be.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// The records hold, but what is stored beside the checkpoint does not follow from them.
    #[error("the records hold, but the stored {what} of the log was changed")]
    Head {
        /// `size` or `frontier`.
        what: &'static str,
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

/// Reads the whole log and compares it with its checkpoint, and with older ones that `witnesses` kept.
///
/// # Errors
/// The first [`Finding`].
pub fn verify_log<S: LogSource>(
    source: &mut S,
    origin: &str,
    public: &[u8; 32],
    witnesses: &[Checkpoint],
) -> Result<Report, Finding> {
    let head = readable(source.head())?;
    let signed = Checkpoint::open(&head.checkpoint, origin, public)?;
    if let Some(ahead) = witnesses.iter().find(|witness| witness.size > signed.size) {
        return Err(Finding::RolledBack { witnessed: ahead.size, size: signed.size });
    }
    let mut walk = Walk { witnesses, ..Walk::to(signed.size) };
    walk.over(source)?;
    let frontier = walk.tail.frontier();
    if frontier.root() != signed.root {
        return Err(match walk.suspect.or(walk.suspect_in_tile) {
            Some(index) => Finding::Edited { index },
            None => Finding::Rewritten { size: signed.size },
        });
    }
    if let Some(index) = walk.suspect {
        return Err(Finding::HashEdited { index });
    }
    if let Some(finding) = walk.not_a_prefix.or(walk.tile).or(walk.beyond) {
        return Err(finding);
    }
    beside_the_signature(source, &head, &frontier)?;
    let witnessed = witnesses.iter().map(|witness| witness.size).max();
    Ok(Report { size: signed.size, root: signed.root, witnessed })
}

/// What came out of reading and hashing the signed number of records.
struct Walk<'w> {
    /// How many records are signed.
    end: u64,
    /// Where the next row has to begin.
    next: u64,
    tail: Tail,
    witnesses: &'w [Checkpoint],
    /// The first record whose hash is not the one stored with it.
    suspect: Option<u64>,
    /// The first record whose hash is not the one in its tile.
    suspect_in_tile: Option<u64>,
    not_a_prefix: Option<Finding>,
    tile: Option<Finding>,
    beyond: Option<Finding>,
}

impl Walk<'_> {
    fn to(end: u64) -> Self {
        Self {
            end,
            next: 0,
            tail: Tail::new(),
            witnesses: &[],
            suspect: None,
            suspect_in_tile: None,
            not_a_prefix: None,
            tile: None,
            beyond: None,
        }
    }

    /// Reads all rows, those beyond the end too.
    fn over<S: LogSource>(&mut self, source: &mut S) -> Result<(), Finding> {
        self.compare_with_witnesses();
        let mut from = 0;
        loop {
            let batches = readable(source.batches(from))?;
            let Some(last) = batches.last() else { break };
            from = last.first.saturating_add(1);
            for batch in &batches {
                self.take(source, batch)?;
            }
        }
        if self.next < self.end {
            return Err(self.or_edited(Finding::Truncated { size: self.end, found: self.next }));
        }
        Ok(())
    }

    fn take<S: LogSource>(&mut self, source: &mut S, batch: &StoredBatch) -> Result<(), Finding> {
        let StoredBatch { first, count, .. } = *batch;
        if first < self.next {
            return Err(self.or_edited(Finding::Shadowed { index: first }));
        }
        if first > self.next && self.next < self.end {
            return Err(self.or_edited(if first < self.end {
                Finding::Missing { index: self.next }
            } else {
                Finding::Truncated { size: self.end, found: self.next }
            }));
        }
        if first >= self.end {
            self.beyond.get_or_insert(Finding::Unsigned { index: first });
            return Ok(());
        }
        let entries = decode_bundle(&batch.entries).map_err(|_| Finding::Edited { index: first })?;
        let (hashes, rest) = batch.hashes.as_chunks::<32>();
        for (number, entry) in entries.iter().enumerate() {
            let leaf = leaf_hash(entry);
            if self.next == self.end {
                self.beyond.get_or_insert(Finding::Unsigned { index: self.end });
                break;
            }
            if hashes.get(number).is_some_and(|stored| *stored != leaf.0) {
                self.suspect.get_or_insert(self.next);
            }
            self.append(source, leaf)?;
        }
        let (entries, hashes) = (entries.len() as u64, hashes.len() as u64);
        if count != entries || count != hashes || !rest.is_empty() {
            return Err(self.or_edited(Finding::Miscounted { index: first, count, entries, hashes }));
        }
        Ok(())
    }

    fn append<S: LogSource>(&mut self, source: &mut S, leaf: Hash) -> Result<(), Finding> {
        for tile in self.tail.append(leaf) {
            let stored = readable(source.tile(tile.level, tile.index))?;
            self.compare(&tile, stored.as_ref());
        }
        self.next += 1;
        self.compare_with_witnesses();
        Ok(())
    }

    fn compare(&mut self, tile: &FullTile, stored: Option<&StoredTile>) {
        let hashes = encode_tile(&tile.hashes);
        if stored.is_some_and(|stored| stored.root == tile.root.0 && stored.hashes == hashes) {
            return;
        }
        self.tile.get_or_insert(Finding::Tile { level: tile.level, index: tile.index });
        if let Some(stored) = stored
            && tile.level == 0
        {
            let pairs = stored.hashes.chunks(32).zip(&tile.hashes);
            if let Some(place) = pairs.into_iter().position(|(stored, hash)| stored != hash.0) {
                self.suspect_in_tile.get_or_insert(tile.index * u64::from(TILE_WIDTH) + place as u64);
            }
        }
    }

    fn compare_with_witnesses(&mut self) {
        for witness in self.witnesses {
            if witness.size == self.next && self.tail.frontier().root() != witness.root {
                self.not_a_prefix.get_or_insert(Finding::NotAPrefix { witnessed: witness.size });
            }
        }
    }

    /// A record that was seen to differ comes first.
    fn or_edited(&self, finding: Finding) -> Finding {
        self.suspect.map_or(finding, |index| Finding::Edited { index })
    }
}

/// The writer goes on from what is stored beside the checkpoint, and readers look into the tiles.
fn beside_the_signature<S: LogSource>(source: &mut S, head: &StoredHead, frontier: &Frontier) -> Result<(), Finding> {
    if head.size != frontier.size() {
        return Err(Finding::Head { what: "size" });
    }
    if head.frontier != frontier.to_bytes() {
        return Err(Finding::Head { what: "frontier" });
    }
    let full = |width: &u64| Some(width / u64::from(TILE_WIDTH)).filter(|tiles| *tiles > 0);
    let expected = std::iter::successors(full(&frontier.size()), full).sum();
    match readable(source.tiles())? {
        found if found == expected => Ok(()),
        found => Err(Finding::StrayTiles { expected, found }),
    }
}

fn readable<T, E: Display>(read: Result<T, E>) -> Result<T, Finding> {
    read.map_err(|error| Finding::Unreadable { why: error.to_string() })
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
