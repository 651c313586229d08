//! The part of the tree that is not in full tiles yet: what the writer and the verifier remember.
//!
//! It determines the root, and every tile comes out of it exactly when it is full.
//!
//! Spec: C2SP tlog-tiles (partial tiles).

use crate::{Frontier, Hash, Malformed, tile::TILE_WIDTH};

/// The hashes of the unfilled tile of every level, lowest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    size: u64,
    levels: Vec<Vec<Hash>>,
}

/// A tile that has just become full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullTile {
    /// Its level: 0 for the tiles of leaf hashes.
    pub level: u8,
    /// Its place among the tiles of its level.
    pub index: u64,
    /// The hash of the subtree it spans.
    pub root: Hash,
    /// Its 256 hashes.
    pub hashes: Vec<Hash>,
}

impl Tail {
    /// Of the log without records.
    pub fn new() -> Self {
        Self::default()
    }

    /// Of a log of `size` records, whose unfilled tiles have these hashes, lowest level first.
    ///
    /// # Errors
    /// When there are more or fewer hashes than the size calls for.
    pub fn of(size: u64, levels: Vec<Vec<Hash>>) -> Result<Self, Malformed> {
        let fits = |(level, hashes): (usize, &Vec<Hash>)| hashes.len() as u64 == width(size, level) % WIDTH;
        if width(size, levels.len()) == 0 && levels.iter().enumerate().all(fits) {
            Ok(Self { size, levels })
        } else {
            Err(Malformed { what: "tail", why: "the number of hashes does not fit the size" })
        }
    }

    /// How many records there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hashes of the unfilled tile of `level`.
    pub fn level(&self, level: u8) -> &[Hash] {
        self.levels.get(usize::from(level)).map_or(&[], Vec::as_slice)
    }

    /// Adds a leaf; gives the tiles that it fills, lowest first.
    pub fn append(&mut self, leaf: Hash) -> Vec<FullTile> {
        self.size += 1;
        let mut full = Vec::new();
        let (mut hash, mut width) = (leaf, self.size);
        for level in 0u8.. {
            let at = usize::from(level);
            if self.levels.len() == at {
                self.levels.push(Vec::new());
            }
            self.levels[at].push(hash);
            if self.levels[at].len() < usize::from(TILE_WIDTH) {
                break;
            }
            let hashes = std::mem::take(&mut self.levels[at]);
            hash = subtree_root(&hashes);
            width /= WIDTH;
            full.push(FullTile { level, index: width - 1, root: hash, hashes });
        }
        full
    }

    /// The same log's frontier, and with it the root.
    pub fn frontier(&self) -> Frontier {
        let mut subtrees = Vec::new();
        for mut hashes in self.levels.iter().rev().map(Vec::as_slice) {
            while let Some(bit) = hashes.len().checked_ilog2() {
                let (subtree, rest) = hashes.split_at(1 << bit);
                subtrees.push(subtree_root(subtree));
                hashes = rest;
            }
        }
        Frontier::of(self.size, subtrees)
    }
}

const WIDTH: u64 = TILE_WIDTH as u64;

/// How many hashes `level` has in a log of `size` records.
fn width(size: u64, level: usize) -> u64 {
    (0..level).fold(size, |width, _| width / WIDTH)
}

/// The hash of the subtree above a row of hashes.
pub fn subtree_root(hashes: &[Hash]) -> Hash {
    let mut frontier = Frontier::new();
    for hash in hashes {
        frontier.append(*hash);
    }
    frontier.root()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaf_hash;

    #[test]
    fn every_full_tile_comes_out_once_and_its_root_moves_up() {
        let mut tail = Tail::new();
        let mut tiles = Vec::new();
        for index in 0..70_000u32 {
            tiles.extend(tail.append(leaf_hash(&index.to_be_bytes())));
        }
        let of_level =
            |level| tiles.iter().filter(|tile| tile.level == level).map(|tile| tile.index).collect::<Vec<_>>();
        assert_eq!(of_level(0), (0..273).collect::<Vec<_>>());
        assert_eq!(of_level(1), [0]);
        assert_eq!((tail.level(0).len(), tail.level(1).len(), tail.level(2).len()), (112, 17, 1));
        assert_eq!(tail.level(2)[0], tiles.iter().find(|tile| tile.level == 1).unwrap().root);
    }

    #[test]
    fn a_tail_has_the_frontier_of_its_log_at_every_size() {
        let (mut tail, mut frontier) = (Tail::new(), Frontier::new());
        for index in 0..66_000u32 {
            if index % 97 == 0 || index % 256 < 2 {
                assert_eq!(tail.frontier(), frontier, "size {index}");
            }
            let leaf = leaf_hash(&index.to_be_bytes());
            tail.append(leaf);
            frontier.append(leaf);
        }
    }

    #[test]
    fn hashes_that_do_not_fit_the_size_are_refused() {
        let hash = leaf_hash(b"x");
        assert!(Tail::of(0, vec![]).is_ok() && Tail::of(256, vec![vec![], vec![hash]]).is_ok());
        for (size, levels) in
            [(1, vec![]), (1, vec![vec![]]), (256, vec![vec![]]), (2, vec![vec![hash; 3]]), (257, vec![vec![hash]])]
        {
            assert!(Tail::of(size, levels).is_err(), "{size}");
        }
    }
}
