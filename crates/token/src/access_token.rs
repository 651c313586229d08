//! Access tokens.

use model::AccessClaims;

use crate::Digest;

/// A bearer string as it came off the wire. Nothing about it is known to be true.
pub struct Presented(Box<str>);

/// What the token must be good for.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Our issuer, byte for byte.
    pub issuer: &'a str,
    /// The resource that was asked, byte for byte.
    pub audience: &'a str,
}

/// Signature, `typ`, `iss`, `aud` and lifetime hold (RFC 9068 §4).
#[derive(Debug)]
pub struct Verified(AccessClaims);

/// Why an access token is no good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessTokenError {
    /// stub
    #[error("stub")]
    Stub,
}

impl Presented {
    /// Takes a bearer string that could be a token.
    ///
    /// # Errors
    /// When it is too long or has characters no token has.
    pub fn new(text: &str) -> Result<Self, AccessTokenError> {
        let _ = text;
        todo!()
    }

    /// By which a verdict about this very string can be remembered.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

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
