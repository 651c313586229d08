//! Inclusion and consistency proofs.
//!
//! Spec: RFC 6962 §2.1.1, §2.1.2; RFC 9162 §2.1.3.2, §2.1.4.2 (how to check them).

use crate::{
    Hash,
    hash::{empty_root, node_hash},
};

/// Why a proof does not prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The record's index is not below the size of the tree.
    #[error("the tree has {size} records, so there is none at index {index}")]
    OutsideTheTree {
        /// The index of the record, from 0.
        index: u64,
        /// The number of records.
        size: u64,
    },
    /// The older tree is bigger than the newer one.
    #[error("the older tree has {old} records, more than the {new} of the newer one")]
    Shrunk {
        /// The size of the older tree.
        old: u64,
        /// The size of the newer tree.
        new: u64,
    },
    /// The proof has too few or too many hashes for these sizes.
    #[error("the proof has the wrong number of hashes")]
    WrongLength,
    /// The hashes lead to another root.
    #[error("the proof leads to another root")]
    WrongRoot,
}

/// The inclusion proof of the record at `index` in the tree of `size` records.
///
/// `subtree(level, index)` gives the hash of the full subtree of 2^level leaves that begins at leaf
/// index × 2^level. A record outside the tree has no proof: the list is empty.
///
/// # Errors
/// What `subtree` fails with.
///
/// Spec: RFC 6962 §2.1.1
pub fn inclusion<E>(
    index: u64,
    size: u64,
    subtree: &mut impl FnMut(u32, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    let mut path = Vec::new();
    if index >= size {
        return Ok(path);
    }
    let (mut first, mut count) = (0, size);
    while count > 1 {
        let left = left_part(count);
        if index < first + left {
            path.push(hash_of(first + left, count - left, subtree)?);
            count = left;
        } else {
            path.push(hash_of(first, left, subtree)?);
            first += left;
            count -= left;
        }
    }
    path.reverse();
    Ok(path)
}

/// Checks that the record with hash `leaf` is at `index` of the tree of `size` records under `root`.
///
/// # Errors
/// One [`ProofError`] per cause.
///
/// Spec: RFC 9162 §2.1.3.2
pub fn check_inclusion(leaf: Hash, index: u64, size: u64, proof: &[Hash], root: Hash) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::OutsideTheTree { index, size });
    }
    let mut climb = Climb { node: index, last: size - 1 };
    let mut hash = leaf;
    for sibling in proof {
        hash = match climb.step()? {
            Side::Left => node_hash(sibling, &hash),
            Side::Right => node_hash(&hash, sibling),
        };
    }
    climb.at_the_top()?;
    if hash == root { Ok(()) } else { Err(ProofError::WrongRoot) }
}

/// The proof that the tree of `old` records is a prefix of the tree of `new` records.
///
/// `subtree` as for [`inclusion`]. Between equal sizes, and from the empty tree, the proof is empty.
///
/// # Errors
/// What `subtree` fails with.
///
/// Spec: RFC 6962 §2.1.2
pub fn consistency<E>(
    old: u64,
    new: u64,
    subtree: &mut impl FnMut(u32, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    let mut path = Vec::new();
    if old == 0 || old >= new {
        return Ok(path);
    }
    let (mut first, mut count, mut kept) = (0, new, old);
    while kept < count {
        let left = left_part(count);
        if kept <= left {
            path.push(hash_of(first + left, count - left, subtree)?);
            count = left;
        } else {
            path.push(hash_of(first, left, subtree)?);
            first += left;
            count -= left;
            kept -= left;
        }
    }
    // A whole left subtree is the old root itself, which the checker has.
    if first != 0 {
        path.push(hash_of(first, count, subtree)?);
    }
    path.reverse();
    Ok(path)
}

/// Checks that the tree of `old` records under `old_root` is a prefix of the tree of `new` records under `new_root`.
///
/// # Errors
/// One [`ProofError`] per cause.
///
/// Spec: RFC 9162 §2.1.4.2
pub fn check_consistency(old: u64, new: u64, proof: &[Hash], old_root: Hash, new_root: Hash) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::Shrunk { old, new });
    }
    if old == 0 || old == new {
        let expected = if old == 0 { empty_root() } else { new_root };
        return match (proof, old_root == expected) {
            ([], true) => Ok(()),
            ([], false) => Err(ProofError::WrongRoot),
            _ => Err(ProofError::WrongLength),
        };
    }
    let mut climb = Climb { node: old - 1, last: new - 1 };
    climb.leave_full_subtree();
    let (seed, rest) = match proof {
        _ if old.is_power_of_two() => (old_root, proof),
        [seed, rest @ ..] => (*seed, rest),
        [] => return Err(ProofError::WrongLength),
    };
    let (mut old_hash, mut new_hash) = (seed, seed);
    for sibling in rest {
        match climb.step()? {
            Side::Left => {
                old_hash = node_hash(sibling, &old_hash);
                new_hash = node_hash(sibling, &new_hash);
            }
            Side::Right => new_hash = node_hash(&new_hash, sibling),
        }
    }
    climb.at_the_top()?;
    if old_hash == old_root && new_hash == new_root { Ok(()) } else { Err(ProofError::WrongRoot) }
}

/// The hash over the `count` leaves from `first` on, made of full subtrees.
fn hash_of<E>(first: u64, count: u64, subtree: &mut impl FnMut(u32, u64) -> Result<Hash, E>) -> Result<Hash, E> {
    if count.is_power_of_two() {
        let level = count.trailing_zeros();
        return subtree(level, first >> level);
    }
    let left = left_part(count);
    Ok(node_hash(&hash_of(first, left, subtree)?, &hash_of(first + left, count - left, subtree)?))
}

/// How many of `count` > 1 leaves are below the left child: the largest power of two below `count`.
fn left_part(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

/// The way from a node up to the root: its number in its level, and the number of the last node there.
struct Climb {
    node: u64,
    last: u64,
}

/// Where the next hash of a proof stands, beside the one computed so far.
enum Side {
    Left,
    Right,
}

impl Climb {
    fn step(&mut self) -> Result<Side, ProofError> {
        if self.last == 0 {
            return Err(ProofError::WrongLength);
        }
        let side = if self.node & 1 == 1 || self.node == self.last { Side::Left } else { Side::Right };
        // The last node of an uneven level has no sibling there: it is its own parent until it has one.
        while self.node == self.last && self.node & 1 == 0 && self.node != 0 {
            self.up();
        }
        self.up();
        Ok(side)
    }

    fn leave_full_subtree(&mut self) {
        while self.node & 1 == 1 {
            self.up();
        }
    }

    fn up(&mut self) {
        self.node >>= 1;
        self.last >>= 1;
    }

    fn at_the_top(&self) -> Result<(), ProofError> {
        if self.last == 0 { Ok(()) } else { Err(ProofError::WrongLength) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Frontier, leaf_hash};
    use std::convert::Infallible;

    const SIZES: u64 = 70;

    fn leaf(index: u64) -> Hash {
        leaf_hash(&index.to_be_bytes())
    }

    /// RFC 6962 §2.1, written down as it stands there.
    fn root_of(first: u64, count: u64) -> Hash {
        match count {
            0 => empty_root(),
            1 => leaf(first),
            _ => {
                let k = (0..64).map(|bit| 1 << bit).filter(|k| *k < count).max().unwrap();
                node_hash(&root_of(first, k), &root_of(first + k, count - k))
            }
        }
    }

    fn subtree(level: u32, index: u64) -> Result<Hash, Infallible> {
        Ok(root_of(index << level, 1 << level))
    }

    fn include(index: u64, size: u64) -> Vec<Hash> {
        inclusion(index, size, &mut subtree).unwrap()
    }

    fn extend(old: u64, new: u64) -> Vec<Hash> {
        consistency(old, new, &mut subtree).unwrap()
    }

    /// Spec: RFC 6962 §2.1.1
    #[test]
    fn every_record_of_every_small_tree_is_proved_and_no_other_hash_is() {
        for size in 1..SIZES {
            let root = root_of(0, size);
            for index in 0..size {
                let proof = include(index, size);
                assert_eq!(check_inclusion(leaf(index), index, size, &proof, root), Ok(()), "{index} of {size}");
                let wrong = check_inclusion(leaf(index + 1), index, size, &proof, root);
                assert_eq!(wrong, Err(ProofError::WrongRoot), "{index} of {size}");
            }
        }
    }

    /// Spec: RFC 6962 §2.1.2
    #[test]
    fn every_small_tree_is_proved_a_prefix_of_every_bigger_one() {
        let roots: Vec<Hash> = (0..SIZES).map(|size| root_of(0, size)).collect();
        for new in 0..SIZES {
            for old in 0..=new {
                let (old_root, new_root) = (roots[old as usize], roots[new as usize]);
                let proof = extend(old, new);
                assert_eq!(check_consistency(old, new, &proof, old_root, new_root), Ok(()), "{old} of {new}");
                assert!(check_consistency(old, new, &proof, leaf(9), new_root).is_err(), "{old} of {new}");
                if old > 0 {
                    assert!(check_consistency(old, new, &proof, old_root, leaf(9)).is_err(), "{old} of {new}");
                }
            }
        }
    }

    /// Full subtrees from a table, as a log stores them, instead of from the definition.
    #[test]
    fn every_tree_of_up_to_600_records_is_proved_from_stored_subtrees() {
        let mut levels: Vec<Vec<Hash>> = vec![(0..600).map(leaf).collect()];
        while let Some(below) = levels.last().filter(|below| below.len() > 1) {
            let pairs = below.as_chunks::<2>().0;
            levels.push(pairs.iter().map(|[left, right]| node_hash(left, right)).collect());
        }
        let mut stored = |level: u32, index: u64| Ok::<_, Infallible>(levels[level as usize][index as usize]);
        let mut frontier = Frontier::new();
        let mut roots = vec![frontier.root()];
        for size in 1..=600 {
            frontier.append(leaf(size - 1));
            let root = frontier.root();
            roots.push(root);
            for index in [0, size / 3, size / 2, size - 1] {
                let proof = inclusion(index, size, &mut stored).unwrap();
                assert_eq!(check_inclusion(leaf(index), index, size, &proof, root), Ok(()), "{index} of {size}");
            }
            for old in [1, size / 3, size / 2, size - 1] {
                let proof = consistency(old, size, &mut stored).unwrap();
                let checked = check_consistency(old, size, &proof, roots[old as usize], root);
                assert_eq!(checked, Ok(()), "{old} of {size}");
            }
        }
    }

    /// Spec: RFC 6962 §2.1.3 (the example tree of seven leaves)
    #[test]
    fn the_paths_of_the_standard_s_example_are_those_of_its_picture() {
        let (a, b, c, d, j) = (leaf(0), leaf(1), leaf(2), leaf(3), leaf(6));
        let (g, h, i) = (node_hash(&a, &b), node_hash(&c, &d), root_of(4, 2));
        let (k, l) = (node_hash(&g, &h), node_hash(&i, &j));
        assert_eq!(include(0, 7), [b, h, l]);
        assert_eq!(include(3, 7), [c, g, l]);
        assert_eq!(include(4, 7), [leaf(5), j, k]);
        assert_eq!(include(6, 7), [i, k]);
        assert_eq!(extend(3, 7), [c, d, g, l]);
        assert_eq!(extend(4, 7), [l]);
        assert_eq!(extend(6, 7), [i, j, k]);
    }

    #[test]
    fn a_proof_of_another_length_is_refused() {
        let root = root_of(0, 7);
        for index in 0..7 {
            let proof = include(index, 7);
            let longer = [&proof[..], &[leaf(1)]].concat();
            assert_eq!(check_inclusion(leaf(index), index, 7, &longer, root), Err(ProofError::WrongLength));
            let shorter = &proof[..proof.len() - 1];
            assert_eq!(check_inclusion(leaf(index), index, 7, shorter, root), Err(ProofError::WrongLength));
        }
        let old = root_of(0, 3);
        let proof = extend(3, 7);
        assert_eq!(check_consistency(3, 7, &[], old, root), Err(ProofError::WrongLength));
        assert_eq!(check_consistency(3, 7, &proof[..3], old, root), Err(ProofError::WrongLength));
        assert_eq!(check_consistency(7, 7, &proof, root, root), Err(ProofError::WrongLength));
        assert_eq!(check_consistency(0, 7, &proof, empty_root(), root), Err(ProofError::WrongLength));
    }

    #[test]
    fn an_index_outside_the_tree_and_a_tree_that_shrank_are_refused() {
        let root = root_of(0, 7);
        assert_eq!(include(7, 7), []);
        assert_eq!(check_inclusion(root, 7, 7, &[], root), Err(ProofError::OutsideTheTree { index: 7, size: 7 }));
        assert_eq!(check_inclusion(root, 0, 0, &[], root), Err(ProofError::OutsideTheTree { index: 0, size: 0 }));
        assert_eq!(check_consistency(8, 7, &[], root, root), Err(ProofError::Shrunk { old: 8, new: 7 }));
    }

    #[test]
    fn a_proof_of_the_biggest_tree_does_not_overflow() {
        let mut any = |_: u32, _: u64| Ok::<_, Infallible>(leaf(0));
        let proof = inclusion(u64::MAX - 1, u64::MAX, &mut any).unwrap();
        assert_eq!(check_inclusion(leaf(0), u64::MAX - 1, u64::MAX, &proof, leaf(0)), Err(ProofError::WrongRoot));
    }
}
