//! Values that may be used once, such as the `jti` of a client assertion.
//!
//! Spec: RFC 7523 §3 (7).

use model::Timestamp;

use crate::{StoreError, Tx};

impl Tx<'_> {
    /// `true` for the first use of `key` among its `kind`; remembered until `not_after`.
    pub async fn use_once(
        &mut self,
        kind: &str,
        key: &str,
        not_after: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        todo!()
    }
}
