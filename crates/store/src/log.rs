//! Reading the audit log.
//!
//! Entries are stored as they were committed, many to a row; full tiles are stored, unfilled ones are
//! computed from the entries.
//!
//! Spec: C2SP tlog-tiles.

use audit::{Hash, TILE_WIDTH, decode_bundle, decode_tile, encode_bundle, encode_tile, subtree_root};
use sqlx::{AnyConnection, query};

use crate::{Store, StoreError, columns::Columns, proven::Proven, tail};

impl Store {
    /// How many records the log has.
    pub async fn log_size(&self) -> Result<u64, StoreError> {
        let mut reader = self.reader().await?;
        let found = size(reader.connection()).await;
        reader.done(found)
    }

    /// The newest signed checkpoint: a C2SP signed note.
    pub async fn checkpoint(&self) -> Result<String, StoreError> {
        let mut reader = self.reader().await?;
        let found = checkpoint(reader.connection()).await;
        reader.done(found)
    }

    /// At most `limit` records from index `first` on, with their indexes. Each is under the signed head.
    pub async fn records(&self, first: u64, limit: u32) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.proven(|_| first, limit).await
    }

    /// The newest `limit` records with their indexes, oldest first. Each is under the signed head.
    pub async fn last_records(&self, limit: u32) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.proven(|size| size.saturating_sub(u64::from(limit)), limit).await
    }

    async fn proven(&self, first: impl FnOnce(u64) -> u64, limit: u32) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let mut reader = self.reader().await?;
        let found = async {
            let proven = Proven::read(reader.connection(), self.log_origin(), &self.log_public_key()).await?;
            let first = first(proven.size());
            proven.records(reader.connection(), first, limit).await
        };
        let found = found.await;
        reader.done(found)
    }

    /// The hashes of a tile, full or as far as it is filled; `None` when it has none.
    pub async fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let mut reader = self.reader().await?;
        let found = tile(reader.connection(), level, index).await;
        Ok(reader.done(found)?.map(|hashes| encode_tile(&hashes)))
    }

    /// An entry bundle, full or as far as it is filled; `None` when it has no entry.
    pub async fn bundle(&self, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(first) = index.checked_mul(WIDTH) else { return Ok(None) };
        let entries: Vec<_> = self.records(first, WIDTH as u32).await?.into_iter().map(|(_, entry)| entry).collect();
        Ok(if entries.is_empty() { None } else { Some(encode_bundle(&entries)) })
    }

    /// The proof that record `index` is in the log of `size` records.
    pub async fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>, StoreError> {
        let mut reader = self.reader().await?;
        let found = inclusion(reader.connection(), index, size).await;
        reader.done(found)
    }
}

impl Store {
    /// The proof that the log of `new` records continues the one of `old`: nothing for the empty log.
    ///
    /// # Errors
    /// Also when there are not so many records.
    pub async fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>, StoreError> {
        let mut reader = self.reader().await?;
        let found = consistency(reader.connection(), old, new).await;
        reader.done(found)
    }
}

const WIDTH: u64 = TILE_WIDTH as u64;

pub(crate) async fn size(connection: &mut AnyConnection) -> Result<u64, StoreError> {
    let row = query("SELECT size FROM audit_head WHERE one = 1").fetch_one(connection).await?;
    Columns::of("head of the log", &row).number()
}

pub(crate) async fn checkpoint(connection: &mut AnyConnection) -> Result<String, StoreError> {
    let row = query("SELECT checkpoint FROM audit_head WHERE one = 1").fetch_one(connection).await?;
    Columns::of("head of the log", &row).text()
}

/// The stored hashes of the records from `first` to before `end`, as far as they are there without a gap.
pub(crate) async fn leaf_hashes(connection: &mut AnyConnection, first: u64, end: u64) -> Result<Vec<Hash>, StoreError> {
    let rows = query(concat!("SELECT first_seq, hashes", from_batches!())).bind(first as i64).bind(end as i64);
    let mut found = Vec::new();
    for row in &rows.fetch_all(connection).await? {
        let mut columns = Columns::of("log", row);
        let (at, hashes): (u64, Vec<u8>) = (columns.number()?, columns.bytes()?);
        let (hashes, _) = hashes.as_chunks::<32>();
        for (index, hash) in (at..end).zip(hashes.iter().copied().map(Hash)) {
            if index == first + found.len() as u64 {
                found.push(hash);
            }
        }
    }
    Ok(found)
}

/// The rows that hold the records from `$1` to before `$2`.
macro_rules! from_batches {
    () => {
        " FROM audit_batch WHERE first_seq < $2 AND first_seq >=
             COALESCE((SELECT MAX(first_seq) FROM audit_batch WHERE first_seq <= $1), $1)
         ORDER BY first_seq"
    };
}
use from_batches;

/// At most `limit` entries from `first` on without a gap; fewer at the end of the log.
pub(crate) async fn some(
    connection: &mut AnyConnection,
    first: u64,
    limit: u32,
) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    let Ok(start) = i64::try_from(first) else { return Ok(Vec::new()) };
    let end = start.saturating_add(i64::from(limit));
    let rows = query(concat!("SELECT first_seq, entries", from_batches!())).bind(start).bind(end);
    let mut found = Vec::new();
    for row in &rows.fetch_all(connection).await? {
        let mut columns = Columns::of("log", row);
        let (at, bundle): (u64, _) = (columns.number()?, columns.bytes()?);
        let entries = decode_bundle(&bundle).map_err(|error| columns.unreadable(format!("record {at}: {error}")))?;
        for (index, entry) in (at..).zip(entries) {
            if index == first + found.len() as u64 && (found.len() as u64) < u64::from(limit) {
                found.push((index, entry));
            }
        }
    }
    Ok(found)
}

/// The hashes of a tile, full or as far as it is filled.
pub(crate) async fn tile(
    connection: &mut AnyConnection,
    level: u8,
    index: u64,
) -> Result<Option<Vec<Hash>>, StoreError> {
    let Ok(idx) = i64::try_from(index) else { return Ok(None) };
    if let Some(hashes) = full_tile(connection, level, idx).await? {
        return Ok(Some(hashes));
    }
    partial_tile(connection, level, idx).await
}

/// The hashes of a tile that was not full a moment ago. This is several statements, and another node may write between
/// any two of them.
async fn partial_tile(connection: &mut AnyConnection, level: u8, idx: i64) -> Result<Option<Vec<Hash>>, StoreError> {
    let index = idx as u64;
    let size = size(connection).await?;
    let Some(width) = WIDTH.checked_pow(u32::from(level)).map(|leaves| size / leaves) else { return Ok(None) };
    if width / WIDTH > index {
        // Another node filled it since it was looked for; that is no gap in the log.
        return full_tile(connection, level, idx).await;
    }
    if width / WIDTH != index || width % WIDTH == 0 {
        return Ok(None);
    }
    Ok(Some(tail::read(connection, size).await?.level(level).to_vec()))
}

/// The stored hashes of a full tile.
pub(crate) async fn full_tile(
    connection: &mut AnyConnection,
    level: u8,
    idx: i64,
) -> Result<Option<Vec<Hash>>, StoreError> {
    let row = query("SELECT hashes FROM audit_tile WHERE level = $1 AND idx = $2")
        .bind(i64::from(level))
        .bind(idx)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut columns = Columns::of("tile", &row);
    decode_tile(&columns.bytes()?).map(Some).map_err(|error| columns.unreadable(error.to_string()))
}

/// The proof that record `index` is in the log of `size` records.
async fn inclusion(connection: &mut AnyConnection, index: u64, size: u64) -> Result<Vec<Hash>, StoreError> {
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
    let hashes = tile(connection, level as u8, first / WIDTH).await?.ok_or_else(|| missing(height, index))?;
    let (from, count) = ((first % WIDTH) as usize, 1usize << inside);
    hashes.get(from..from + count).map(subtree_root).ok_or_else(|| missing(height, index))
}

fn missing(height: u32, index: u64) -> StoreError {
    StoreError::Unreadable { what: "log", why: format!("the subtree of height {height} at {index} is not there") }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
