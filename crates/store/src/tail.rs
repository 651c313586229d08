//! The part of the log's tree that is not in full tiles yet.
//!
//! Spec: C2SP tlog-tiles (partial tiles).

use audit::{Frontier, Hash, TILE_WIDTH};
use sqlx::{AnyConnection, query};

use crate::{StoreError, columns::Columns, log};

/// The hashes of the unfilled tile of every level, lowest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tail {
    size: u64,
    levels: Vec<Vec<Hash>>,
}

/// A tile that has just become full.
pub(crate) struct FullTile {
    pub(crate) level: u8,
    pub(crate) index: u64,
    pub(crate) root: Hash,
    pub(crate) hashes: Vec<Hash>,
}

impl Tail {
    /// Reads the tail of the log of `size` records.
    pub(crate) async fn read(connection: &mut AnyConnection, size: u64) -> Result<Self, StoreError> {
        let mut tail = Self { size, levels: Vec::new() };
        let mut level = 0u8;
        let mut width = size;
        while width > 0 {
            let first = width - width % u64::from(TILE_WIDTH);
            tail.levels.push(match level.checked_sub(1) {
                None => leaves(connection, first, width).await?,
                Some(below) => roots(connection, below, first, width).await?,
            });
            width /= u64::from(TILE_WIDTH);
            level += 1;
        }
        Ok(tail)
    }

    /// Reads on to `size`, where another process has brought the log meanwhile.
    pub(crate) async fn catch_up(&mut self, connection: &mut AnyConnection, size: u64) -> Result<(), StoreError> {
        for leaf in leaves(connection, self.size, size).await? {
            self.append(leaf);
        }
        Ok(())
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The hashes of the unfilled tile of `level`.
    pub(crate) fn level(&self, level: u8) -> &[Hash] {
        self.levels.get(usize::from(level)).map_or(&[], Vec::as_slice)
    }

    /// Adds a leaf; gives the tiles that it fills, lowest first.
    pub(crate) fn append(&mut self, leaf: Hash) -> Vec<FullTile> {
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
            hash = root_of(&hashes);
            width /= u64::from(TILE_WIDTH);
            full.push(FullTile { level, index: width - 1, root: hash, hashes });
        }
        full
    }
}

/// The hash of the subtree above a row of hashes.
pub(crate) fn root_of(hashes: &[Hash]) -> Hash {
    let mut frontier = Frontier::new();
    for hash in hashes {
        frontier.append(*hash);
    }
    frontier.root()
}

async fn leaves(connection: &mut AnyConnection, first: u64, end: u64) -> Result<Vec<Hash>, StoreError> {
    let found = log::leaf_hashes(connection, first, end).await?;
    match first + found.len() as u64 {
        next if next < end => Err(StoreError::Unreadable { what: "log", why: format!("record {next} is missing") }),
        _ => Ok(found),
    }
}

async fn roots(connection: &mut AnyConnection, level: u8, first: u64, end: u64) -> Result<Vec<Hash>, StoreError> {
    let rows = query("SELECT root FROM audit_tile WHERE level = $1 AND idx >= $2 AND idx < $3 ORDER BY idx")
        .bind(i64::from(level))
        .bind(first as i64)
        .bind(end as i64)
        .fetch_all(connection)
        .await?;
    if rows.len() as u64 != end - first {
        return Err(StoreError::Unreadable { what: "log", why: format!("tiles of level {level} are missing") });
    }
    rows.iter()
        .map(|row| {
            let mut columns = Columns::of("tile", row);
            let root = columns.bytes()?.try_into().map_err(|_| columns.unreadable("a hash has 32 bytes"))?;
            Ok(Hash(root))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use audit::leaf_hash;

    use super::*;

    #[test]
    fn every_full_tile_comes_out_once_and_its_root_moves_up() {
        let mut tail = Tail::default();
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
}
