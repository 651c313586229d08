//! The signing keys of the installation.

use model::{AccessClaims, Timestamp};
use serde_json::{Value, json};

use crate::{AccessTokenError, Expected, KeyError, Presented, SigningKey, Verified};

/// The first key signs, all of them verify.
#[derive(Debug)]
pub struct KeyRing(Vec<SigningKey>);

impl KeyRing {
    /// From keys, newest first.
    ///
    /// # Errors
    /// [`KeyError::NoSigningKey`].
    pub fn new(keys: Vec<SigningKey>) -> Result<Self, KeyError> {
        if keys.is_empty() { Err(KeyError::NoSigningKey) } else { Ok(Self(keys)) }
    }

    /// The public halves, for the JWKS endpoint.
    pub fn jwks(&self) -> Value {
        json!({"keys": self.0.iter().map(SigningKey::public_jwk).collect::<Vec<_>>()})
    }

    /// Signs an access token.
    ///
    /// # Errors
    /// [`KeyError::Sign`].
    pub fn sign_access(&self, claims: &AccessClaims) -> Result<String, KeyError> {
        let _ = claims;
        todo!()
    }

    /// Verifies an access token.
    ///
    /// # Errors
    /// [`AccessTokenError`], one variant per cause.
    pub fn verify_access(
        &self,
        presented: Presented,
        expected: &Expected<'_>,
        now: Timestamp,
    ) -> Result<Verified, AccessTokenError> {
        let _ = (presented, expected, now);
        todo!()
    }
}
