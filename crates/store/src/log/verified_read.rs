//! Records that are under the signed head, and no others.
//!
//! A row can be put beside or into another one, so that a reader would see it in place of what was signed.
//! Every record that leaves here hashes to its leaf in the tree whose root is signed.
//!
//! Spec: RFC 6962 §2.1, C2SP tlog-tiles.

use audit::{Hash, TILE_WIDTH, Tail, leaf_hash, subtree_root};
use sqlx::AnyConnection;

use crate::{
    error::StoreError,
    log::{head::Head, partial_tiles, rows},
};

const WIDTH: u64 = TILE_WIDTH as u64;

/// The right edge of the log, under its signature.
pub(crate) struct VerifiedLog {
    tail: Tail,
}

impl VerifiedLog {
    /// Reads it, and checks the signature.
    pub(crate) async fn read(
        connection: &mut AnyConnection,
        origin: &str,
        public: &[u8; 32],
    ) -> Result<Self, StoreError> {
        let head = Head::read(connection).await?;
        head.check(origin, public)?;
        let tail = partial_tiles::read(connection, head.size).await?;
        if tail.frontier() == head.frontier { Ok(Self { tail }) } else { Err(tampered("its end")) }
    }

    /// How many records are signed.
    pub(crate) fn size(&self) -> u64 {
        self.tail.size()
    }

    /// At most `limit` records from `first` on, with their indexes; fewer at the end of the log.
    pub(crate) async fn records(
        &self,
        connection: &mut AnyConnection,
        first: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let wanted = self.size().saturating_sub(first).min(u64::from(limit));
        let found = rows::records(connection, first, wanted as u32).await?;
        if found.len() as u64 != wanted {
            return Err(tampered(format!("record {}", first + found.len() as u64)));
        }
        let (mut at, mut leaves) = (None, Vec::new());
        for (index, record) in &found {
            let tile = index / WIDTH;
            if at != Some(tile) {
                (at, leaves) = (Some(tile), self.leaves(connection, tile).await?);
            }
            if leaves.get((index % WIDTH) as usize) != Some(&leaf_hash(record)) {
                return Err(tampered(format!("record {index}")));
            }
        }
        Ok(found)
    }

    /// The leaf hashes of a tile, checked up to the signed root.
    async fn leaves(&self, connection: &mut AnyConnection, index: u64) -> Result<Vec<Hash>, StoreError> {
        if index == self.size() / WIDTH {
            return Ok(self.tail.level(0).to_vec());
        }
        let leaves = full(connection, 0, index).await?;
        let (mut root, mut index, mut width) = (subtree_root(&leaves), index, self.size());
        for level in 1u8.. {
            width /= WIDTH;
            let (tile, place) = (index / WIDTH, (index % WIDTH) as usize);
            let above = if tile == width / WIDTH {
                self.tail.level(level).to_vec()
            } else {
                full(connection, level, tile).await?
            };
            if above.get(place) != Some(&root) {
                break;
            }
            if tile == width / WIDTH {
                return Ok(leaves);
            }
            (root, index) = (subtree_root(&above), tile);
        }
        Err(tampered(format!("a tile below record {}", index * WIDTH)))
    }
}

async fn full(connection: &mut AnyConnection, level: u8, index: u64) -> Result<Vec<Hash>, StoreError> {
    let tile = rows::full_tile(connection, level, index as i64).await?;
    tile.ok_or_else(|| tampered(format!("tile {index} of level {level}")))
}

fn tampered(what: impl std::fmt::Display) -> StoreError {
    StoreError::Unreadable { what: "log", why: format!("{what} is not what was signed; run `portcullis audit verify`") }
}
