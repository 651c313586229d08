//! Values that may be used once, such as the `jti` of a client assertion.
//!
//! Spec: RFC 7523 §3 (7).

use model::Timestamp;
use sqlx::query;

use crate::{StoreError, Tx};

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
        // A value whose time was over before may come again: whoever checks it refuses it for its age.
        let taken = self
            .run(
                query(
                    "INSERT INTO used_once (kind, word, not_after) VALUES ($1, $2, $3)
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
}
