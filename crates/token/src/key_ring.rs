//! The signing keys of the installation.
//!
//! A new key is published before it signs, and an old one stays until the last token it
//! signed has expired; so there may be several.
//!
//! Spec: RFC 7517 §5 (JWK set).

use model::{AccessClaims, Timestamp};
use serde_json::{Value, json};

use crate::{AccessTokenError, Expected, KeyError, Presented, SigningKey, Verified, access_token};

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
        let newest = self.0.first().ok_or(KeyError::NoSigningKey)?;
        access_token::sign(newest, claims)
    }

    /// Verifies an access token: its form, `typ`, algorithm, key, signature, issuer, audience and lifetime.
    ///
    /// # Errors
    /// [`AccessTokenError`], one variant per cause.
    pub fn verify_access(
        &self,
        presented: Presented,
        expected: &Expected<'_>,
        now: Timestamp,
    ) -> Result<Verified, AccessTokenError> {
        access_token::verify(&self.0, &presented, expected, now)
    }
}
