//! Reading the part of the log's tree that is not in full tiles yet.
//!
//! What is read is believed only once it gives the root that was signed: see `known`.

use audit::{Hash, TILE_WIDTH, Tail};
use sqlx::{AnyConnection, query};

use crate::{StoreError, columns::Columns, log};

/// Reads the tail of the log of `size` records.
pub(crate) async fn read(connection: &mut AnyConnection, size: u64) -> Result<Tail, StoreError> {
    let mut levels = Vec::new();
    let mut width = size;
    for level in 0u8.. {
        if width == 0 {
            break;
        }
        let first = width - width % u64::from(TILE_WIDTH);
        levels.push(match level.checked_sub(1) {
            None => leaves(connection, first, width).await?,
            Some(below) => roots(connection, below, first, width).await?,
        });
        width /= u64::from(TILE_WIDTH);
    }
    Tail::of(size, levels).map_err(|error| StoreError::Unreadable { what: "log", why: error.to_string() })
}

/// Reads on to `size`, where another process has brought the log meanwhile.
pub(crate) async fn catch_up(connection: &mut AnyConnection, mut tail: Tail, size: u64) -> Result<Tail, StoreError> {
    for leaf in leaves(connection, tail.size(), size).await? {
        tail.append(leaf);
    }
    Ok(tail)
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
