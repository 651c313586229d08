//! Whether one head of the log continues another.
//!
//! Spec: RFC 6962 §2.1.2.

use audit::Hash;
use sqlx::AnyConnection;

use crate::{error::StoreError, log::proofs};

/// Is the log with the head `to` a continuation of the one with the head `from`? Both are size and root.
pub(crate) async fn continues(
    connection: &mut AnyConnection,
    from: (u64, Hash),
    to: (u64, Hash),
) -> Result<(), StoreError> {
    if from == to {
        return Ok(());
    }
    if to.0 < from.0 {
        return Err(StoreError::forked(format!("it has {} records, and had {} before", to.0, from.0)));
    }
    let broken = || StoreError::forked("it does not continue the log that was seen before");
    let proof = match proofs::consistency(connection, from.0, to.0).await {
        Err(StoreError::Unreadable { .. }) => return Err(broken()),
        proof => proof?,
    };
    audit::check_consistency(from.0, to.0, &proof, from.1, to.1).map_err(|_| broken())
}
