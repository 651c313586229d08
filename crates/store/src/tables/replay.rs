//! Values that may be used once, such as the `jti` of a client assertion or of a proof.
//!
//! Spec: RFC 7523 §3 (7), RFC 9449 §11.1.

use crypto::Proof;
use model::Timestamp;
use sqlx::query;

use crate::{
    error::StoreError,
    sql::{
        columns::Columns,
        readers::Readers,
        statement::{FromColumns, Statement},
        tx::Tx,
    },
};

impl Readers {
    /// Was `key` used among its `kind`, and is that still remembered?
    pub async fn is_used(&self, kind: &str, key: &str, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.one::<Used>(used(kind, key, now)).await?.is_some())
    }

    /// Was the proof of a key used, on whatever node?
    pub async fn is_proof_used(&self, proof: &Proof, now: Timestamp) -> Result<bool, StoreError> {
        self.is_used(PROOF, &proof.id(), now).await
    }
}

impl Tx<'_> {
    /// `true` for the first use of `key` among its `kind`, before `not_after`; remembered until then.
    pub async fn use_once(
        &mut self,
        kind: &str,
        key: &str,
        not_after: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        // A value whose time ends while it is on its way here would be forgotten at once, and could come again.
        if not_after <= now {
            return Ok(false);
        }
        // After a clock ran ahead, what was used in its time is not known any more: see `Tx::put_clock_right`.
        // A value whose time was over before may come again: whoever checks it refuses it for its age.
        let taken = self
            .run(
                query(
                    "INSERT INTO used_once (kind, word, not_after)
             SELECT $1, $2, $3 WHERE NOT EXISTS
                 (SELECT 1 FROM used_once c WHERE c.kind = 'clock' AND c.word = 'put_right' AND c.not_after >= $3)
             ON CONFLICT (kind, word) DO UPDATE SET not_after = excluded.not_after WHERE used_once.not_after <= $4",
                )
                .bind(kind)
                .bind(key)
                .bind(not_after.micros())
                .bind(now.micros()),
            )
            .await?;
        Ok(taken == 1)
    }

    /// `true` for the first use of a proof of a key, on whatever node; remembered for as long as it could come again.
    ///
    /// Spec: RFC 9449 §11.1
    pub async fn use_proof(&mut self, proof: &Proof) -> Result<bool, StoreError> {
        let now = self.now();
        self.use_once(PROOF, &proof.id(), proof.not_after(), now).await
    }

    /// Was `key` used among its `kind`, and is that still remembered?
    pub async fn is_used(&mut self, kind: &str, key: &str, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.one::<Used>(used(kind, key, now)).await?.is_some())
    }
}

fn used<'q>(kind: &'q str, key: &'q str, now: Timestamp) -> Statement<'q> {
    let sql = "SELECT 1 FROM used_once WHERE kind = $1 AND word = $2 AND not_after > $3";
    query(sql).bind(kind).bind(key).bind(now.micros())
}

/// Proofs of possession, by their key and id.
const PROOF: &str = "dpop_proof";

/// There is a row.
struct Used;

impl FromColumns for Used {
    const WHAT: &'static str = "used value";

    fn read(_: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self)
    }
}
