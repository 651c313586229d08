//! The rows of the log, as they stand in the database. Nothing of them is checked here.
//!
//! Entries are stored as they were committed, many to a row, and full tiles beside them.
//!
//! Spec: C2SP tlog-tiles.

use audit::{Hash, decode_bundle, decode_tile};
use sqlx::{AnyConnection, query};

use crate::{error::StoreError, sql::columns::Columns};

/// How many records there are, as the head says.
pub(crate) async fn size(connection: &mut AnyConnection) -> Result<u64, StoreError> {
    let row = query("SELECT size FROM audit_head WHERE one = 1").fetch_one(connection).await?;
    Columns::of("head of the log", &row).number()
}

/// The signed note of the head.
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
pub(crate) async fn records(
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

/// The roots of the full tiles of a level from `first` to before `end`.
pub(crate) async fn tile_roots(
    connection: &mut AnyConnection,
    level: u8,
    first: u64,
    end: u64,
) -> Result<Vec<Hash>, StoreError> {
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
