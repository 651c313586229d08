//! The log an outsider can verify: hashes, tiles, checkpoints, proofs. No IO, no keys, no clock.
//!
//! Records are opaque bytes. They are the leaves of one Merkle tree (RFC 6962), published in
//! the layout that existing tools read (C2SP tlog-tiles), under a head that is signed by a key
//! this crate never sees. `store` writes the log; this crate says what is written and finds out
//! offline whether it still is what was signed.
//!
//! Spec: RFC 6962 §2.1, C2SP tlog-tiles, C2SP tlog-checkpoint, C2SP signed-note, C2SP tlog-cosignature.
//!
//! Next: `hash`, then `frontier`, then `verify`.

mod checkpoint;
mod cosignature;
mod frontier;
mod hash;
mod note;
mod proof;
mod tail;
mod tile;
mod verify;

pub use checkpoint::Checkpoint;
pub use cosignature::{Cosigner, add_checkpoint};
pub use frontier::Frontier;
pub use hash::{Hash, leaf_hash, node_hash};
pub use note::{NoteError, parse_verifier_key, verifier_key};
pub use proof::{ProofError, check_consistency, check_inclusion, consistency, inclusion};
pub use tail::{FullTile, Tail, subtree_root};
pub use tile::{
    MAX_ENTRY, TILE_HEIGHT, TILE_WIDTH, bundle_path, decode_bundle, decode_tile, encode_bundle, encode_tile, tile_path,
};
pub use verify::{Finding, LogSource, Report, StoredBatch, StoredHead, StoredTile, verify_log};

/// Stored bytes that do not have the shape they must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored {what} is malformed: {why}")]
pub struct Malformed {
    /// What was read: `frontier`, `bundle`, `tile`.
    pub what: &'static str,
    /// What is wrong with it.
    pub why: &'static str,
}
