//! Identity assertions of an enterprise: what its identity provider says about one person, one client and one resource (ID-JAG).
//!
//! It is a JWT of a type of its own, so nothing else that the same provider signs (an ID token, an access token, a logout token)
//! is taken for one. It is for this issuer alone, for one client, and is worth one request: the caller uses up its `jti`
//! until it expires.
//!
//! Spec: draft-ietf-oauth-identity-assertion-authz-grant §3.1 and §4.4.1; MCP extension enterprise-managed-authorization §5.
//! Differs: it lives five minutes at most, and `resource` has to be said somewhere (docs/divergences.md).

use model::{ClientId, Thumbprint, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    JwsError, PublicKeys,
    audience::Audience,
    jws::Compact,
    numeric_date::{maybe_seconds, seconds},
    public_keys::Algorithm,
};

/// The type in its header.
pub const ID_JAG_TYPE: &str = "oauth-id-jag+jwt";

/// The longest life, in seconds.
const LONGEST: i64 = 300;
/// How far ahead of ours the clock of a provider may be, in seconds.
const CLOCK_SKEW: i64 = 60;
/// The longest `jti`, `sub` and `tenant`, in bytes.
const LONGEST_TEXT: usize = 256;

/// What an identity provider said. The caller must still use up its `jti` until `expires_at`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdJag {
    /// Its own id, unique for the provider until it expires.
    pub jti: String,
    /// Not valid from then on.
    pub expires_at: Timestamp,
    /// Whom it is about, as the provider calls them.
    pub subject: String,
    /// Of which of its tenants.
    pub tenant: Option<String>,
    /// For which resource.
    pub resource: Option<String>,
    /// For which scopes at the most; `None`, when the provider leaves that to us.
    pub scope: Option<String>,
    /// The key that the client has to prove.
    pub key: Option<Thumbprint>,
}

/// Who must have said what.
#[derive(Clone, Copy, Debug)]
pub struct IdJagFor<'a> {
    /// The provider.
    pub provider: &'a str,
    /// Its keys.
    pub keys: &'a PublicKeys,
    /// This authorization server.
    pub issuer: &'a str,
    /// The client that shows it.
    pub client: &'a ClientId,
}

/// Why an assertion grants nothing: one variant per cause that somebody can act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdJagError {
    /// No JWT at all, or one without `iss`, `sub`, `aud`, `client_id`, `exp`, `iat` or `jti`.
    #[error(transparent)]
    Malformed(#[from] JwsError),
    /// Another kind of token.
    #[error("the assertion's `typ` is not `{ID_JAG_TYPE}`")]
    Type,
    /// `none`, a symmetric algorithm, or one we do not know.
    #[error("the assertion's `alg` is not supported: use ES256, ES384, EdDSA, RS256 or PS256")]
    Algorithm,
    /// None of the provider's keys has this name and algorithm.
    #[error("the assertion's `kid` and `alg` fit no key of its identity provider")]
    UnknownKey,
    /// No key that fits made this signature.
    #[error("the assertion's signature does not hold")]
    Signature,
    /// Of another provider than the one whose keys were asked.
    #[error("the assertion's `iss` is another identity provider")]
    Issuer,
    /// For somebody else, or for more than us.
    #[error("the assertion's `aud` must be `{issuer}` and nothing else")]
    Audience {
        /// What it should be.
        issuer: String,
    },
    /// Made for another client.
    #[error("the assertion was made for another client")]
    Client,
    /// Its time is over.
    #[error("the assertion has expired")]
    Expired,
    /// Its time has not come.
    #[error("the assertion is from the future: check the identity provider's clock")]
    FromTheFuture,
    /// It would be worth something for too long.
    #[error("the assertion lives longer than {LONGEST} seconds")]
    LongLived,
    /// A text is empty or too long to be remembered.
    #[error("the assertion's `{0}` is empty or longer than {LONGEST_TEXT} bytes")]
    Text(&'static str),
    /// It is bound to something else than a key that we could see proved.
    #[error("the assertion's `cnf` is not the thumbprint of a key (`jkt`)")]
    Confirmation,
    /// It says more of what is allowed than we understand.
    #[error("the assertion has `authorization_details`, and what they would allow is not understood here")]
    Details,
}

/// The provider that an assertion says it is of, unverified: only to find the keys to verify it with. `None` for what is no
/// assertion of this kind.
pub fn claimed_provider(jwt: &str) -> Result<String, IdJagError> {
    #[derive(Deserialize)]
    struct Claimed {
        iss: String,
    }
    let jwt = Compact::split(jwt)?;
    if !jwt.header()?.is_type(ID_JAG_TYPE) {
        return Err(IdJagError::Type);
    }
    Ok(jwt.unverified::<Claimed>().map(|claimed| claimed.iss)?)
}

/// Verifies an assertion.
///
/// Spec: draft-ietf-oauth-identity-assertion-authz-grant §4.4.1, RFC 7523 §3, RFC 8725 §3
///
/// # Errors
/// [`IdJagError`], one variant per cause. All of them are `invalid_grant` on the wire.
pub fn verify(jwt: &str, wanted: &IdJagFor<'_>, now: Timestamp) -> Result<IdJag, IdJagError> {
    let jwt = Compact::split(jwt)?;
    let header = jwt.header()?;
    if !header.is_type(ID_JAG_TYPE) {
        return Err(IdJagError::Type);
    }
    let alg = Algorithm::parse(&header.alg).ok_or(IdJagError::Algorithm)?;
    let mut unknown = true;
    for candidate in wanted.keys.named(alg, header.kid.as_deref()) {
        unknown = false;
        if let Ok(signed) = jwt.signed_by(&candidate.key) {
            return check(signed.claims()?.0, wanted, now);
        }
    }
    Err(if unknown { IdJagError::UnknownKey } else { IdJagError::Signature })
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    client_id: String,
    #[serde(deserialize_with = "seconds")]
    exp: i64,
    #[serde(deserialize_with = "seconds")]
    iat: i64,
    #[serde(default, deserialize_with = "maybe_seconds")]
    nbf: Option<i64>,
    jti: String,
    #[serde(default)]
    tenant: Option<String>,
    #[serde(default)]
    resource: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    cnf: Option<Value>,
    #[serde(default)]
    authorization_details: Option<Value>,
}

fn check(claims: Claims, wanted: &IdJagFor<'_>, now: Timestamp) -> Result<IdJag, IdJagError> {
    if claims.iss != wanted.provider {
        return Err(IdJagError::Issuer);
    }
    if !claims.aud.is_only(wanted.issuer) {
        return Err(IdJagError::Audience { issuer: wanted.issuer.to_owned() });
    }
    if claims.client_id != wanted.client.as_str() {
        return Err(IdJagError::Client);
    }
    let expires_at = Timestamp::from_seconds(claims.exp);
    if now >= expires_at {
        return Err(IdJagError::Expired);
    }
    let soon = now.seconds().saturating_add(CLOCK_SKEW);
    if claims.iat > soon || claims.nbf.is_some_and(|nbf| nbf > soon) {
        return Err(IdJagError::FromTheFuture);
    }
    // From when it was made: one that was good for a year is no better in its last minutes.
    if claims.exp > claims.iat.saturating_add(LONGEST) {
        return Err(IdJagError::LongLived);
    }
    for (name, text) in [("jti", &claims.jti), ("sub", &claims.sub)] {
        is_bounded(name, text)?;
    }
    if let Some(tenant) = &claims.tenant {
        is_bounded("tenant", tenant)?;
    }
    if claims.authorization_details.is_some_and(|details| !details.is_null()) {
        return Err(IdJagError::Details);
    }
    let Claims { jti, sub: subject, tenant, resource, scope, cnf, .. } = claims;
    Ok(IdJag { jti, expires_at, subject, tenant, resource, scope, key: cnf.map(key).transpose()? })
}

fn is_bounded(name: &'static str, text: &str) -> Result<(), IdJagError> {
    match text.len() {
        1..=LONGEST_TEXT => Ok(()),
        _ => Err(IdJagError::Text(name)),
    }
}

/// Spec: RFC 7800 §3.1, RFC 9449 §6.1
fn key(cnf: Value) -> Result<Thumbprint, IdJagError> {
    let only = cnf.as_object().filter(|members| members.len() == 1);
    let jkt = only.and_then(|members| members.get("jkt")).and_then(Value::as_str);
    jkt.and_then(|jkt| jkt.parse().ok()).ok_or(IdJagError::Confirmation)
}
