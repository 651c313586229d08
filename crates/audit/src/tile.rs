//! Tiles and bundles: how the log is cut into files that never change.
//!
//! A full tile or bundle is written once and cached for ever; only the last one of each level is
//! partial, and its path says how wide it is.
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
///
/// Spec: C2SP tlog-tiles, Merkle tree
pub fn tile_path(level: u8, index: u64, width: Option<u16>) -> String {
    format!("tile/{level}/{}", numbered(index, width))
}

/// Where the bundle of records is published, below the log's prefix. `width`: of a partial bundle.
///
/// Spec: C2SP tlog-tiles, log entries
pub fn bundle_path(index: u64, width: Option<u16>) -> String {
    format!("tile/entries/{}", numbered(index, width))
}

/// Groups of three digits, all but the last marked with `x`: 1234067 is `x001/x234/067`.
fn numbered(index: u64, width: Option<u16>) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    match width {
        Some(width) => format!("{path}.p/{width}"),
        None => path,
    }
}

/// Records, each after its length in two bytes, big-endian.
///
/// Every entry must have at most [`MAX_ENTRY`] bytes; a longer one is a fault of the caller.
///
/// Spec: C2SP tlog-tiles, log entries
pub fn encode_bundle(entries: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.iter().map(|entry| 2 + entry.as_ref().len()).sum());
    for entry in entries {
        let entry = entry.as_ref();
        assert!(entry.len() <= MAX_ENTRY, "a record has at most {MAX_ENTRY} bytes, this one has {}", entry.len());
        bytes.extend((entry.len() as u16).to_be_bytes());
        bytes.extend(entry);
    }
    bytes
}

/// Reads what [`encode_bundle`] wrote.
///
/// # Errors
/// When the bytes end inside an entry.
///
/// Spec: C2SP tlog-tiles, log entries
pub fn decode_bundle(mut bytes: &[u8]) -> Result<Vec<Vec<u8>>, Malformed> {
    let malformed = |why| Malformed { what: "bundle", why };
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk().ok_or_else(|| malformed("it ends inside a length"))?;
        let (entry, rest) = rest
            .split_at_checked(usize::from(u16::from_be_bytes(*length)))
            .ok_or_else(|| malformed("it ends inside an entry"))?;
        entries.push(entry.to_vec());
        bytes = rest;
    }
    Ok(entries)
}

/// The hashes of a tile, one after the other.
///
/// Spec: C2SP tlog-tiles, Merkle tree
pub fn encode_tile(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// Reads what [`encode_tile`] wrote.
///
/// # Errors
/// When the bytes are not a row of one to 256 hashes.
///
/// Spec: C2SP tlog-tiles, Merkle tree
pub fn decode_tile(bytes: &[u8]) -> Result<Vec<Hash>, Malformed> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() || hashes.is_empty() || hashes.len() > usize::from(TILE_WIDTH) {
        return Err(Malformed { what: "tile", why: "it is not a row of 1 to 256 hashes of 32 bytes" });
    }
    Ok(hashes.iter().copied().map(Hash).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec: C2SP tlog-tiles, Merkle tree
    #[test]
    fn a_path_has_groups_of_three_digits() {
        assert_eq!(tile_path(0, 1_234_067, None), "tile/0/x001/x234/067");
        assert_eq!(tile_path(0, 0, None), "tile/0/000");
        assert_eq!(tile_path(1, 999, Some(7)), "tile/1/999.p/7");
        assert_eq!(tile_path(2, 1000, Some(255)), "tile/2/x001/000.p/255");
        assert_eq!(bundle_path(1_234_067, None), "tile/entries/x001/x234/067");
        assert_eq!(bundle_path(5, Some(1)), "tile/entries/005.p/1");
    }

    /// Spec: C2SP tlog-tiles, log entries
    #[test]
    fn a_bundle_gives_back_its_entries() {
        let entries = [b"".to_vec(), b"abc".to_vec(), vec![9; MAX_ENTRY]];
        assert_eq!(decode_bundle(&encode_bundle(&entries)), Ok(entries.to_vec()));
        assert_eq!(encode_bundle(&["abc"]), b"\x00\x03abc");
        assert_eq!(decode_bundle(b""), Ok(Vec::new()));
    }

    #[test]
    fn a_bundle_that_ends_inside_an_entry_is_refused() {
        for bad in [&b"\x00"[..], b"\x00\x04abc", b"\x00\x03abc\x00", b"\xff\xff"] {
            assert!(decode_bundle(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_tile_gives_back_its_hashes_and_nothing_else_passes() {
        let hashes = [Hash([1; 32]), Hash([2; 32])];
        assert_eq!(decode_tile(&encode_tile(&hashes)), Ok(hashes.to_vec()));
        for bad in [0, 31, 33, 257 * 32] {
            assert!(decode_tile(&vec![0; bad]).is_err(), "{bad}");
        }
    }
}
