//! Inclusion and consistency proofs.
//!
//! Spec: RFC 6962 §2.1.1, §2.1.2; RFC 9162 §2.1.3.2, §2.1.4.2 (how to check them).

use crate::Hash;

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
    let _ = (index, size, subtree(0, 0));
    todo!()
}

/// Checks that the record with hash `leaf` is at `index` of the tree of `size` records under `root`.
///
/// # Errors
/// One [`ProofError`] per cause.
///
/// Spec: RFC 9162 §2.1.3.2
pub fn check_inclusion(leaf: Hash, index: u64, size: u64, proof: &[Hash], root: Hash) -> Result<(), ProofError> {
    let _ = (leaf, index, size, proof, root);
    todo!()
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
    let _ = (old, new, subtree(0, 0));
    todo!()
}

/// Checks that the tree of `old` records under `old_root` is a prefix of the tree of `new` records under `new_root`.
///
/// # Errors
/// One [`ProofError`] per cause.
///
/// Spec: RFC 9162 §2.1.4.2
pub fn check_consistency(old: u64, new: u64, proof: &[Hash], old_root: Hash, new_root: Hash) -> Result<(), ProofError> {
    let _ = (old, new, proof, old_root, new_root);
    todo!()
}
