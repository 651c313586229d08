//! Reading the part of the log's tree that is not in full tiles yet.
//!
//! What is read is believed only once it gives the root that was signed: see `head`.

use audit::{Hash, TILE_WIDTH, Tail};
use sqlx::AnyConnection;

use crate::{error::StoreError, log::rows};

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
            Some(below) => rows::tile_roots(connection, below, first, width).await?,
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
    let found = rows::leaf_hashes(connection, first, end).await?;
    match first + found.len() as u64 {
        next if next < end => Err(StoreError::Unreadable { what: "log", why: format!("record {next} is missing") }),
        _ => Ok(found),
    }
}
