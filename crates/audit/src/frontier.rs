//! The right edge of the tree: all that appending needs to know.
//!
//! A tree of `n` leaves is a row of full subtrees, one for each bit that is set in `n`, biggest
//! first. Their hashes determine the root and take at most 64 × 32 bytes, however long the log.
//!
//! Spec: RFC 6962 §2.1 (the same tree, built from the left).

use crate::{
    Malformed,
    hash::{Hash, empty_root, node_hash},
};

/// The hashes of the full subtrees of a log, left to right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// INVARIANT: as many hashes as `size` has bits set, the biggest subtree first.
    subtrees: Vec<Hash>,
}

impl Frontier {
    /// Of the log without records.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next leaf.
    pub fn append(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // Every trailing one of the old size is a full subtree that the new leaf completes to the next height.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.subtrees.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.subtrees.push(hash);
        self.size += 1;
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hash of the whole tree.
    ///
    /// Spec: RFC 6962 §2.1
    pub fn root(&self) -> Hash {
        let from_the_right = self.subtrees.iter().rev().copied();
        from_the_right.reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(empty_root)
    }

    /// For storage: the size, big-endian, then the hashes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + 32 * self.subtrees.len());
        bytes.extend(self.size.to_be_bytes());
        bytes.extend(self.subtrees.iter().flat_map(|hash| hash.0));
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the number of hashes is not the one the size calls for.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let malformed = |why| Malformed { what: "frontier", why };
        let (size, rest) = bytes.split_first_chunk().ok_or_else(|| malformed("it is shorter than its size field"))?;
        let size = u64::from_be_bytes(*size);
        let (hashes, rest) = rest.as_chunks::<32>();
        if !rest.is_empty() || hashes.len() != size.count_ones() as usize {
            return Err(malformed("the number of hashes does not fit the size"));
        }
        Ok(Self { size, subtrees: hashes.iter().copied().map(Hash).collect() })
    }
}
