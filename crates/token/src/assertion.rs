//! A client proves itself with its key: `private_key_jwt`.

use model::{ClientId, Timestamp};

use crate::PublicKeys;

/// What `token_endpoint_auth_signing_alg_values_supported` says.
pub const ASSERTION_ALGORITHMS: &[&str] = &["ES256", "EdDSA", "RS256", "PS256"];

/// A verified assertion. The caller must still use up its `jti` until `expires_at`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// Its own id, unique for the client until it expires.
    pub jti: String,
    /// Not valid from then on.
    pub expires_at: Timestamp,
}

/// Why an assertion proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AssertionError {
    /// stub
    #[error("stub")]
    Stub,
}

/// Verifies the assertion of `client`.
///
/// # Errors
/// [`AssertionError`], one variant per cause.
pub fn verify_assertion(
    jwt: &str,
    client: &ClientId,
    keys: &PublicKeys,
    issuer: &str,
    now: Timestamp,
) -> Result<Assertion, AssertionError> {
    let _ = (jwt, client, keys, issuer, now);
    todo!()
}

/// The client an assertion says it is from, unverified: only to find the keys to verify it with.
pub fn claimed_issuer(jwt: &str) -> Option<ClientId> {
    let _ = jwt;
    todo!()
}
