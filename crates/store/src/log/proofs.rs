//! Proofs over the log, from its tiles.
//!
//! Spec: RFC 6962 §2.1.1, §2.1.2.

use audit::{Hash, TILE_WIDTH, subtree_root};
use sqlx::AnyConnection;

use crate::{error::StoreError, log::tiles};

/// The proof that record `index` is in the log of `size` records.
pub(crate) async fn inclusion(connection: &mut AnyConnection, index: u64, size: u64) -> Result<Vec<Hash>, StoreError> {
    proof(connection, |subtree| audit::inclusion(index, size, subtree)).await
}

/// The proof that the log of `old` records is a prefix of that of `new` records.
pub(crate) async fn consistency(connection: &mut AnyConnection, old: u64, new: u64) -> Result<Vec<Hash>, StoreError> {
    proof(connection, |subtree| audit::consistency(old, new, subtree)).await
}

/// Gives a hash for a subtree.
type Subtree<'s> = dyn FnMut(u32, u64) -> Result<Hash, StoreError> + Send + 's;

/// The proof, from the tiles that hold the subtrees it needs.
async fn proof(
    connection: &mut AnyConnection,
    prove: impl Fn(&mut &mut Subtree<'_>) -> Result<Vec<Hash>, StoreError>,
) -> Result<Vec<Hash>, StoreError> {
    // Which subtrees? The first pass asks, the second answers.
    let mut wanted = Vec::new();
    let mut ask = |level, at| {
        wanted.push((level, at));
        Ok(Hash([0; 32]))
    };
    prove(&mut (&mut ask as &mut Subtree<'_>))?;
    let mut found = std::collections::HashMap::new();
    for (level, at) in wanted {
        found.insert((level, at), subtree(connection, level, at).await?);
    }
    let mut answer = |level, at| found.get(&(level, at)).copied().ok_or_else(|| missing(level, at));
    prove(&mut (&mut answer as &mut Subtree<'_>))
}

/// The hash of the full subtree of 2^height leaves at `index`.
async fn subtree(connection: &mut AnyConnection, height: u32, index: u64) -> Result<Hash, StoreError> {
    let (level, inside) = (height / audit::TILE_HEIGHT, height % audit::TILE_HEIGHT);
    let first = index << inside;
    let hashes = tiles::tile(connection, level as u8, first / WIDTH).await?.ok_or_else(|| missing(height, index))?;
    let (from, count) = ((first % WIDTH) as usize, 1usize << inside);
    hashes.get(from..from + count).map(subtree_root).ok_or_else(|| missing(height, index))
}

fn missing(height: u32, index: u64) -> StoreError {
    StoreError::Unreadable { what: "log", why: format!("the subtree of height {height} at {index} is not there") }
}

const WIDTH: u64 = TILE_WIDTH as u64;
