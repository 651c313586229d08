//! Appending to the log inside a transaction.
//!
//! However many records a transaction brings, it costs one row, one signature and one new head.
//!
//! Spec: RFC 6962 §2.1, C2SP tlog-checkpoint.

use audit::{Frontier, FullTile, Hash, Tail, encode_bundle, encode_tile, leaf_hash};
use model::{Event, Timestamp};
use sqlx::{AnyConnection, query};

use crate::{
    error::StoreError,
    log::{head::Head, known_head::KnownHead, signer::LogSigner},
};

impl LogSigner {
    /// Writes the head of the empty log.
    pub(crate) async fn begin(&self, connection: &mut AnyConnection) -> Result<KnownHead, StoreError> {
        let frontier = Frontier::new();
        let (note, changed_at, open_calls) = (self.sign(&frontier), Timestamp::default(), Vec::new());
        let head = Head { size: 0, note, frontier, changed_at, open_calls };
        query("INSERT INTO audit_head (one, size, frontier, checkpoint) VALUES (1, 0, $1, $2)")
            .bind(head.frontier.to_bytes())
            .bind(&head.note)
            .execute(connection)
            .await?;
        Ok(KnownHead { head, tail: Tail::new() })
    }

    /// Appends `records` after the head that is `known`; the new one is true only once the transaction is
    /// committed.
    pub(crate) async fn append(
        &self,
        connection: &mut AnyConnection,
        known: &KnownHead,
        records: &[Vec<u8>],
        open_calls: Vec<u8>,
        now: Timestamp,
    ) -> Result<KnownHead, StoreError> {
        let KnownHead { head: Head { mut frontier, .. }, mut tail } = known.clone();
        let leaves: Vec<Hash> = records.iter().map(|record| leaf_hash(record)).collect();
        query("INSERT INTO audit_batch (first_seq, count, entries, hashes) VALUES ($1, $2, $3, $4)")
            .bind(frontier.size() as i64)
            .bind(records.len() as i64)
            .bind(encode_bundle(records))
            .bind(encode_tile(&leaves))
            .execute(&mut *connection)
            .await?;
        for leaf in leaves {
            frontier.append(leaf);
            for tile in tail.append(leaf) {
                put_tile(connection, &tile).await?;
            }
        }
        let head = Head { size: frontier.size(), note: self.sign(&frontier), frontier, changed_at: now, open_calls };
        let sql = "UPDATE audit_head SET size = $1, frontier = $2, checkpoint = $3, changed_at = $4, open_calls = $5
            WHERE one = 1";
        query(sql)
            .bind(head.size as i64)
            .bind(head.frontier.to_bytes())
            .bind(&head.note)
            .bind(now.micros())
            .bind(head.open_calls.clone())
            .execute(connection)
            .await?;
        Ok(KnownHead { head, tail })
    }
}

async fn put_tile(connection: &mut AnyConnection, tile: &FullTile) -> Result<(), StoreError> {
    query("INSERT INTO audit_tile (level, idx, root, hashes) VALUES ($1, $2, $3, $4)")
        .bind(i64::from(tile.level))
        .bind(tile.index as i64)
        .bind(tile.root.0.to_vec())
        .bind(encode_tile(&tile.hashes))
        .execute(connection)
        .await?;
    Ok(())
}

/// What every change does, without one.
pub(crate) const PROOF: &str =
    "SAVEPOINT proof; INSERT INTO audit_batch (first_seq, count, entries, hashes) VALUES (-1, 0, '', '');
    ROLLBACK TO SAVEPOINT proof; UPDATE audit_head SET size = size WHERE one = 1; COMMIT";

/// The records of `events`, made at `now`.
pub(crate) fn encoded(events: &[Event], now: Timestamp) -> Result<Vec<Vec<u8>>, StoreError> {
    let records: Vec<Vec<u8>> = events.iter().map(|event| event.to_record(now)).collect();
    match records.iter().find(|record| record.len() > audit::MAX_ENTRY) {
        Some(record) => Err(StoreError::RecordTooLong(record.len())),
        None => Ok(records),
    }
}
