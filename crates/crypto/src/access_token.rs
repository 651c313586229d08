//! Access tokens: JWTs for one resource, checked in full at every use.
//!
//! What holds afterwards is what the token *says*. Whether its grant still lives is asked of the
//! store, at each call.
//!
//! Spec: RFC 9068 §2 and §4, RFC 8725 §3.
//! Differs: `aud` is one string, never an array, so no token is good for two resources
//! (docs/divergences.md).

use std::fmt;

use model::{AccessClaims, Timestamp};

use crate::{
    Digest, JwsError, KeyError, SigningKey,
    jws::{self, Compact},
};

/// How far ahead of ours another node's clock may be, in seconds.
const CLOCK_SKEW: i64 = 60;

/// The `typ` of an access token.
const TYPE: &str = "at+jwt";

/// A bearer string as it came off the wire. Nothing about it is known to be true.
pub struct Presented(Box<str>);

impl Presented {
    /// Takes a bearer string that could be a token: at most 8 KiB, three base64url parts.
    ///
    /// # Errors
    /// [`AccessTokenError::Malformed`].
    pub fn new(text: &str) -> Result<Self, AccessTokenError> {
        Compact::split(text)?;
        Ok(Self(text.into()))
    }

    /// By which a verdict about this very string can be remembered.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[token]")
    }
}

/// What the token must be good for.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Our issuer, byte for byte.
    pub issuer: &'a str,
    /// The resource that was asked, byte for byte.
    pub audience: &'a str,
}

/// Signature, `typ`, `iss`, `aud` and lifetime hold (RFC 9068 §4). Whether its sender holds the key that it is bound to is
/// another question ([`crate::dpop`]).
#[derive(Debug)]
pub struct Verified(AccessClaims);

impl Verified {
    /// What the token says.
    pub fn claims(&self) -> &AccessClaims {
        &self.0
    }

    /// What the token says.
    pub fn into_claims(self) -> AccessClaims {
        self.0
    }
}

/// Why an access token is no good: one variant per cause an operator can act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessTokenError {
    /// No token at all.
    #[error(transparent)]
    Malformed(#[from] JwsError),
    /// A JWT made for something else.
    #[error("this is not an access token: its `typ` is not `at+jwt`")]
    Type,
    /// An algorithm we do not sign with.
    #[error("the token's `alg` is not `ES256`")]
    Algorithm,
    /// A key we do not have, or no key named.
    #[error("the token's `kid` names no key of this issuer")]
    UnknownKey,
    /// A key of ours is named, but it did not sign this.
    #[error("the token's signature does not hold")]
    Signature,
    /// Another issuer's.
    #[error("the token is from issuer `{got}`, not from this one")]
    Issuer {
        /// Its `iss`.
        got: String,
    },
    /// For another resource.
    #[error("the token is for `{got}`, not for this resource")]
    Audience {
        /// Its `aud`.
        got: String,
    },
    /// Its time is over.
    #[error("the token expired at {at}")]
    Expired {
        /// Its `exp`.
        at: Timestamp,
    },
    /// From a clock that runs ahead.
    #[error("the token was issued in the future: check the clocks of the nodes")]
    FromTheFuture,
}

/// Spec: RFC 9068 §2.1 (header)
pub(crate) fn sign(key: &SigningKey, claims: &AccessClaims) -> Result<String, KeyError> {
    jws::sign(key, TYPE, claims)
}

/// Spec: RFC 9068 §4, RFC 8725 §3.1 (the algorithm is ours, not the header's)
pub(crate) fn verify<'k>(
    mut keys: impl Iterator<Item = &'k SigningKey>,
    presented: &Presented,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<Verified, AccessTokenError> {
    let token = Compact::split(&presented.0)?;
    let header = token.header()?;
    if !header.is_type(TYPE) {
        return Err(AccessTokenError::Type);
    }
    if header.alg != "ES256" {
        return Err(AccessTokenError::Algorithm);
    }
    let named = |key: &&SigningKey| header.kid.as_deref() == Some(key.kid());
    let key = keys.find(named).ok_or(AccessTokenError::UnknownKey)?;
    let signed = token.signed_by(key.public()).map_err(|_| AccessTokenError::Signature)?;
    let (claims, _) = signed.claims::<AccessClaims>()?;
    check(claims, expected, now)
}

fn check(claims: AccessClaims, expected: &Expected<'_>, now: Timestamp) -> Result<Verified, AccessTokenError> {
    if claims.iss != expected.issuer {
        return Err(AccessTokenError::Issuer { got: claims.iss });
    }
    if claims.aud != expected.audience {
        return Err(AccessTokenError::Audience { got: claims.aud });
    }
    if now >= claims.expires_at() {
        return Err(AccessTokenError::Expired { at: claims.expires_at() });
    }
    if claims.iat > now.seconds().saturating_add(CLOCK_SKEW) {
        return Err(AccessTokenError::FromTheFuture);
    }
    Ok(Verified(claims))
}
