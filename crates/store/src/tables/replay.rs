//! Values that may be used once, such as the `jti` of a client assertion.
//!
//! Spec: RFC 7523 §3 (7).

use model::Timestamp;
use sqlx::{AnyConnection, query};

use crate::{
    error::StoreError,
    sql::{readers::Readers, tx::Tx},
};

impl Readers {
    /// Was `key` used among its `kind`, and is that still remembered?
    pub async fn is_used(&self, kind: &str, key: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut reader = self.lend().await?;
        let used = is_used(reader.connection(), kind, key, now).await;
        reader.done(used)
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

    /// Was `key` used among its `kind`, and is that still remembered?
    pub async fn is_used(&mut self, kind: &str, key: &str, now: Timestamp) -> Result<bool, StoreError> {
        is_used(self.connection, kind, key, now).await
    }
}

async fn is_used(connection: &mut AnyConnection, kind: &str, key: &str, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM used_once WHERE kind = $1 AND word = $2 AND not_after > $3";
    let found = query(sql).bind(kind).bind(key).bind(now.micros()).fetch_optional(connection).await?;
    Ok(found.is_some())
}
