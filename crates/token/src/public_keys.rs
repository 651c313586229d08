//! The public keys of a client.
//!
//! Spec: RFC 7517 §4 and §5, RFC 7518 §6, RFC 8037 §2.

use serde_json::Value;

use crate::KeyError;

/// At least one key that can verify; parsed once.
#[derive(Clone, Debug)]
pub struct PublicKeys(());

impl PublicKeys {
    /// From one JWK or a JWK set.
    ///
    /// # Errors
    /// [`KeyError`], one variant per cause.
    pub fn parse(json: &Value) -> Result<Self, KeyError> {
        let _ = json;
        todo!()
    }
}
