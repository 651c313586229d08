//! The tiles of the log: full ones are stored, the others are computed from the entries.
//!
//! Spec: C2SP tlog-tiles.

use audit::{Hash, TILE_WIDTH};
use sqlx::AnyConnection;

use crate::{
    error::StoreError,
    log::{partial_tiles, rows},
};

/// The hashes of a tile, full or as far as it is filled.
pub(crate) async fn tile(
    connection: &mut AnyConnection,
    level: u8,
    index: u64,
) -> Result<Option<Vec<Hash>>, StoreError> {
    let Ok(idx) = i64::try_from(index) else { return Ok(None) };
    if let Some(hashes) = rows::full_tile(connection, level, idx).await? {
        return Ok(Some(hashes));
    }
    partial_tile(connection, level, idx).await
}

/// The hashes of a tile that was not full a moment ago. This is several statements, and another node may write between
/// any two of them.
async fn partial_tile(connection: &mut AnyConnection, level: u8, idx: i64) -> Result<Option<Vec<Hash>>, StoreError> {
    let index = idx as u64;
    let size = rows::size(connection).await?;
    let Some(width) = WIDTH.checked_pow(u32::from(level)).map(|leaves| size / leaves) else { return Ok(None) };
    if width / WIDTH > index {
        // Another node filled it since it was looked for; that is no gap in the log.
        return rows::full_tile(connection, level, idx).await;
    }
    if width / WIDTH != index || width % WIDTH == 0 {
        return Ok(None);
    }
    Ok(Some(partial_tiles::read(connection, size).await?.level(level).to_vec()))
}

const WIDTH: u64 = TILE_WIDTH as u64;

#[cfg(test)]
#[path = "tiles_tests.rs"]
mod tests;
