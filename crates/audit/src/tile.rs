//! Tiles and bundles: how the log is cut into files that never change.
//!
//! Spec: C2SP tlog-tiles.

use crate::{Hash, Malformed};

/// How many levels of the tree one tile spans.
pub const TILE_HEIGHT: u32 = 8;
/// How many hashes a full tile, and how many records a full bundle holds.
pub const TILE_WIDTH: u16 = 1 << TILE_HEIGHT;
/// The most bytes a record may have.
pub const MAX_ENTRY: usize = u16::MAX as usize;

/// Where the tile is published, below the log's prefix. `width`: of a partial tile.
pub fn tile_path(level: u8, index: u64, width: Option<u16>) -> String {
    let _ = (level, index, width);
    todo!()
}

/// Where the bundle of records is published, below the log's prefix. `width`: of a partial bundle.
pub fn bundle_path(index: u64, width: Option<u16>) -> String {
    let _ = (index, width);
    todo!()
}

/// Records, each after its length in two bytes, big-endian.
///
/// Every entry must have at most [`MAX_ENTRY`] bytes.
pub fn encode_bundle(entries: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let _ = entries.len();
    todo!()
}

/// Reads what [`encode_bundle`] wrote.
///
/// # Errors
/// When the bytes end inside an entry.
pub fn decode_bundle(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Malformed> {
    let _ = bytes;
    todo!()
}

/// The hashes of a tile, one after the other.
pub fn encode_tile(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// Reads what [`encode_tile`] wrote.
///
/// # Errors
/// When the bytes are not a row of one to 256 hashes.
pub fn decode_tile(bytes: &[u8]) -> Result<Vec<Hash>, Malformed> {
    let _ = bytes;
    todo!()
}
