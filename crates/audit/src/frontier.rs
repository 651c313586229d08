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

    /// Of parts that fit each other.
    pub(crate) fn of(size: u64, subtrees: Vec<Hash>) -> Self {
        Self { size, subtrees }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaf_hash;

    fn hex(hash: Hash) -> String {
        hash.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The leaves and roots every Certificate Transparency implementation is tested with.
    ///
    /// Spec: RFC 6962 §2.1
    #[test]
    fn the_roots_are_those_of_certificate_transparency() {
        let leaves: [&[u8]; 8] = [
            b"",
            &[0x00],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &[0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut frontier = Frontier::new();
        assert_eq!(hex(frontier.root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        for (leaf, root) in leaves.into_iter().zip(roots) {
            frontier.append(leaf_hash(leaf));
            assert_eq!(hex(frontier.root()), root, "size {}", frontier.size());
        }
    }

    #[test]
    fn a_frontier_survives_storage_at_every_size() {
        let mut frontier = Frontier::new();
        for size in 0..300u64 {
            let read = Frontier::from_bytes(&frontier.to_bytes()).unwrap();
            assert_eq!(read, frontier);
            assert_eq!(read.size(), size);
            frontier.append(leaf_hash(&size.to_be_bytes()));
        }
    }

    #[test]
    fn stored_bytes_that_do_not_fit_their_size_are_refused() {
        let mut frontier = Frontier::new();
        frontier.append(leaf_hash(b"x"));
        let good = frontier.to_bytes();
        for bad in [&[][..], &good[..7], &good[..8], &good[..39], &[&good[..], &[0]].concat(), &[0xff; 40]] {
            assert!(Frontier::from_bytes(bad).is_err(), "{bad:?}");
        }
    }
}
