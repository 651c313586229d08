//! The signing keys of the installation.
//!
//! A new key is published before it signs, and an old one stays until the last token it
//! signed has expired; so there may be several.
//!
//! Spec: RFC 7517 §5 (JWK set).

use model::{AccessClaims, Timestamp};
use serde_json::{Value, json};

use crate::{AccessTokenError, Expected, KeyError, Presented, SigningKey, Verified, access_token};

/// A key and its time.
#[derive(Debug)]
pub struct RingKey {
    /// The key.
    pub key: SigningKey,
    /// When it begins to sign; it is published before.
    pub signs_from: Timestamp,
    /// When it is neither published nor believed any more; `None` while it has no end.
    pub gone_at: Option<Timestamp>,
}

impl RingKey {
    fn is_there(&self, now: Timestamp) -> bool {
        self.gone_at.is_none_or(|gone| now < gone)
    }
}

/// A key that has always been there and has no end.
impl From<SigningKey> for RingKey {
    fn from(key: SigningKey) -> Self {
        Self { key, signs_from: Timestamp::default(), gone_at: None }
    }
}

/// The newest key whose time has come signs; all that are not gone verify.
#[derive(Debug)]
pub struct KeyRing(Vec<RingKey>);

impl KeyRing {
    /// From keys in any order.
    ///
    /// # Errors
    /// [`KeyError::NoSigningKey`].
    pub fn new(mut keys: Vec<RingKey>) -> Result<Self, KeyError> {
        // Stable: of two that begin at the same time the first one signs.
        keys.sort_by_key(|key| std::cmp::Reverse(key.signs_from));
        if keys.is_empty() { Err(KeyError::NoSigningKey) } else { Ok(Self(keys)) }
    }

    /// The public halves, for the JWKS endpoint.
    pub fn jwks(&self, now: Timestamp) -> Value {
        json!({"keys": self.there(now).map(SigningKey::public_jwk).collect::<Vec<_>>()})
    }

    /// Signs an access token, with the key of the moment at which it is issued.
    ///
    /// # Errors
    /// [`KeyError::Sign`], or [`KeyError::NoSigningKey`] when none is there at that moment.
    pub fn sign_access(&self, claims: &AccessClaims) -> Result<String, KeyError> {
        let now = Timestamp::from_seconds(claims.iat);
        let there = || self.0.iter().filter(|key| key.is_there(now));
        // A clock that runs behind may know no key whose time has come: then the oldest one signs on.
        let signs = there().find(|key| key.signs_from <= now).or_else(|| there().next_back());
        access_token::sign(&signs.ok_or(KeyError::NoSigningKey)?.key, claims)
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
        access_token::verify(self.there(now), &presented, expected, now)
    }

    fn there(&self, now: Timestamp) -> impl Iterator<Item = &SigningKey> {
        self.0.iter().filter(move |key| key.is_there(now)).map(|key| &key.key)
    }
}
