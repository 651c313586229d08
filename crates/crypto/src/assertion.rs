//! A client proves itself with its key: `private_key_jwt`.
//!
//! The assertion is for this issuer alone and is worth one request: the caller uses up its `jti`
//! until it expires.
//!
//! Spec: RFC 7523 §3, draft-ietf-oauth-rfc7523bis, OpenID Connect Core §9.
//! Differs: `jti` is required and an assertion lives five minutes at most; the URL of the token
//! endpoint is no audience (docs/divergences.md).

use model::{ClientId, Timestamp};
use serde::Deserialize;

use crate::{
    JwsError, PublicKeys,
    audience::Audience,
    jws::{Compact, Header},
    numeric_date::{maybe_seconds, seconds},
    public_keys::Algorithm,
};

/// The longest life of an assertion, in seconds.
const LONGEST: i64 = 300;

/// How far ahead of ours a client's clock may be, in seconds.
const CLOCK_SKEW: i64 = 60;

/// The longest `jti`, in bytes.
const LONGEST_JTI: usize = 256;

/// A verified assertion. The caller must still use up its `jti` until `expires_at`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// Its own id, unique for the client until it expires.
    pub jti: String,
    /// Not valid from then on.
    pub expires_at: Timestamp,
}

/// Why an assertion proves nothing: one variant per cause its sender can act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// No JWT at all, or one without `iss`, `sub`, `aud`, `exp` or `jti`.
    #[error(transparent)]
    Malformed(#[from] JwsError),
    /// A JWT made for something else.
    #[error("the client assertion's `typ` is for another purpose: use `client-authentication+jwt`, or leave it out")]
    Type,
    /// `none`, a symmetric algorithm, or one we do not know.
    #[error("the client assertion's `alg` is not supported: use ES256, ES384, EdDSA, RS256 or PS256")]
    Algorithm,
    /// None of the client's keys has this name and algorithm.
    #[error("the client assertion's `kid` and `alg` fit no key that the client registered")]
    UnknownKey,
    /// No key that fits made this signature.
    #[error("the client assertion's signature does not hold")]
    Signature,
    /// From another client.
    #[error("the client assertion's `iss` is not the client")]
    Issuer,
    /// About another client.
    #[error("the client assertion's `sub` is not the client")]
    Subject,
    /// For somebody else, or for more than us.
    #[error("the client assertion's `aud` must be `{issuer}` and nothing else")]
    Audience {
        /// What it should be.
        issuer: String,
    },
    /// Its time is over.
    #[error("the client assertion has expired")]
    Expired,
    /// Its time has not come.
    #[error("the client assertion is from the future: check the client's clock")]
    FromTheFuture,
    /// It would be worth something for too long.
    #[error("the client assertion lives longer than {LONGEST} seconds")]
    LongLived,
    /// Empty or too long to be remembered.
    #[error("the client assertion's `jti` is empty or longer than {LONGEST_JTI} bytes")]
    Jti,
}

impl AssertionError {
    /// Was it signed by a key of the client, and is wrong all the same? Then its sender may be told how.
    pub fn key_was_proved(&self) -> bool {
        match self {
            Self::Malformed(_) | Self::Type | Self::Algorithm | Self::UnknownKey | Self::Signature => false,
            Self::Issuer
            | Self::Subject
            | Self::Audience { .. }
            | Self::Expired
            | Self::FromTheFuture
            | Self::LongLived
            | Self::Jti => true,
        }
    }
}

/// Verifies the assertion of `client` for `issuer`.
///
/// Spec: RFC 7523 §3, RFC 8725 §3
///
/// # Errors
/// [`AssertionError`], one variant per cause. All of them are `invalid_client` on the wire.
pub fn verify_assertion(
    jwt: &str,
    client: &ClientId,
    keys: &PublicKeys,
    issuer: &str,
    now: Timestamp,
) -> Result<Assertion, AssertionError> {
    let jwt = Compact::split(jwt)?;
    let header = jwt.header()?;
    if !is_for_authentication(&header) {
        return Err(AssertionError::Type);
    }
    let alg = Algorithm::parse(&header.alg).ok_or(AssertionError::Algorithm)?;
    let mut unknown = true;
    for candidate in keys.named(alg, header.kid.as_deref()) {
        unknown = false;
        if let Ok(signed) = jwt.signed_by(&candidate.key) {
            return check(signed.claims()?.0, client, issuer, now);
        }
    }
    Err(if unknown { AssertionError::UnknownKey } else { AssertionError::Signature })
}

/// The client an assertion says it is from, unverified: only to find the keys to verify it with.
pub fn claimed_issuer(jwt: &str) -> Option<ClientId> {
    #[derive(Deserialize)]
    struct Claimed {
        iss: ClientId,
    }
    Compact::split(jwt).ok()?.unverified::<Claimed>().ok().map(|claimed| claimed.iss)
}

/// Many libraries write `JWT` or nothing; what names another kind of token is refused.
///
/// Spec: draft-ietf-oauth-rfc7523bis (`client-authentication+jwt`), RFC 8725 §3.11
fn is_for_authentication(header: &Header) -> bool {
    header.typ.is_none() || header.is_type("client-authentication+jwt") || header.is_type("JWT")
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    #[serde(deserialize_with = "seconds")]
    exp: i64,
    #[serde(default, deserialize_with = "maybe_seconds")]
    iat: Option<i64>,
    #[serde(default, deserialize_with = "maybe_seconds")]
    nbf: Option<i64>,
    jti: String,
}

fn check(claims: Claims, client: &ClientId, issuer: &str, now: Timestamp) -> Result<Assertion, AssertionError> {
    if claims.iss != client.as_str() {
        return Err(AssertionError::Issuer);
    }
    if claims.sub != client.as_str() {
        return Err(AssertionError::Subject);
    }
    if !claims.aud.is_only(issuer) {
        return Err(AssertionError::Audience { issuer: issuer.to_owned() });
    }
    let expires_at = Timestamp::from_seconds(claims.exp);
    if now >= expires_at {
        return Err(AssertionError::Expired);
    }
    let soon = now.seconds().saturating_add(CLOCK_SKEW);
    if claims.iat.is_some_and(|iat| iat > soon) || claims.nbf.is_some_and(|nbf| nbf > soon) {
        return Err(AssertionError::FromTheFuture);
    }
    // Counted from `iat` when that lies ahead: a client whose clock is ahead means five minutes of its own.
    let start = claims.iat.unwrap_or(i64::MIN).max(now.seconds());
    if claims.exp > start.saturating_add(LONGEST) {
        return Err(AssertionError::LongLived);
    }
    if claims.jti.is_empty() || claims.jti.len() > LONGEST_JTI {
        return Err(AssertionError::Jti);
    }
    Ok(Assertion { jti: claims.jti, expires_at })
}
