//! Whoever presents a token proves, for this one request, that they hold the key that it is bound to: DPoP.
//!
//! The proof brings its own key, so a signature that holds says nothing yet. It says something once that key's thumbprint is the one
//! of the token: [`PresentedProof`] came off the wire, a [`Proof`] is good for this request, and whoever keeps the token compares
//! its thumbprint and uses its id up.
//!
//! Spec: RFC 9449 §4.2 and §4.3, RFC 7638 §3.
//! Differs: `iat` may be five minutes off in either direction, and proofs have an id of 256 bytes at most (docs/divergences.md).

use std::fmt;

use model::{TargetUri, Thumbprint, Timestamp};
use serde::Deserialize;

use crate::{
    Digest, JwsError, KeyError, NonceError, NonceKey, PublicKeys, jws::Compact, numeric_date::seconds,
    public_keys::Algorithm,
};

/// The `typ` of a proof.
pub(crate) const TYPE: &str = "dpop+jwt";

/// How far the clock of who proves may be from ours, in seconds, in either direction.
///
/// Spec: MCP extension dpop-extension (±5 minutes), RFC 9449 §11.1
const WINDOW: i64 = 300;

/// For how many seconds beyond that the id of a proof is remembered: clocks of nodes differ.
const REMEMBERED_BEYOND: i64 = 60;

/// The longest `jti`, in bytes.
const LONGEST_JTI: usize = 256;

/// A proof as it came off the wire. Nothing about it is known to be true.
pub struct PresentedProof(Box<str>);

impl PresentedProof {
    /// Takes the value of a `DPoP` header that could be a proof: at most 8 KiB, three base64url parts.
    ///
    /// # Errors
    /// [`ProofError::Malformed`].
    pub fn new(text: &str) -> Result<Self, ProofError> {
        Compact::split(text)?;
        Ok(Self(text.into()))
    }
}

impl fmt::Debug for PresentedProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[proof]")
    }
}

/// The request that a proof must be for.
#[derive(Clone, Copy, Debug)]
pub struct ProofFor<'a> {
    /// Its HTTP method.
    pub method: &'a str,
    /// Its address, as the configuration has it: never as the request says.
    pub uri: &'a TargetUri,
    /// The digest of the access token that comes with it; none at the token endpoint.
    pub token: Option<Digest>,
    /// Who gives nonces, where one is demanded.
    pub nonces: Option<&'a NonceKey>,
}

/// Whoever sent the request holds the key of this thumbprint. The caller must still use up its id until `not_after`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    thumbprint: Thumbprint,
    id: Digest,
    not_after: Timestamp,
}

impl Proof {
    /// The key that was proved.
    pub fn thumbprint(&self) -> &Thumbprint {
        &self.thumbprint
    }

    /// What it is remembered by: its key and its `jti` together, of one length whatever those are.
    pub fn id(&self) -> String {
        self.id.to_hex()
    }

    /// Until when it has to be remembered: from then on it is refused for its age.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }
}

/// Why a proof proves nothing: one variant per cause its sender can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ProofError {
    /// None came.
    #[error("the request has no `DPoP` header: sign a proof for it")]
    Missing,
    /// There are two, or something else that can not be one.
    #[error("the request has more than one `DPoP` header")]
    Several,
    /// No JWT at all, or one without `jti`, `htm`, `htu` or `iat`.
    #[error(
        "the proof can not be read: it has to be a JWT with `typ`, `alg` and `jwk`, and with `jti`, `htm`, `htu` and `iat`"
    )]
    Malformed,
    /// A header member that would let its sender choose the rules.
    #[error("the proof's header has a member that is never accepted: `crit`, `jku`, `x5u`, `x5c` or `b64`")]
    HeaderMember,
    /// A JWT made for something else.
    #[error("the proof's `typ` is not `dpop+jwt`")]
    Type,
    /// `none`, a symmetric algorithm, or one we do not know.
    #[error("the proof's `alg` is not supported: use ES256, ES384, EdDSA, RS256 or PS256")]
    Algorithm,
    /// The `jwk` holds the private half.
    #[error("the proof's `jwk` holds a private or symmetric key: whoever saw this proof has it, so make another")]
    PrivateKey,
    /// The `jwk` is no key, or none for this algorithm.
    #[error("the proof's `jwk` is no public key for its `alg`")]
    Key,
    /// The key that it brings did not sign it.
    #[error("the proof's signature does not hold")]
    Signature,
    /// Made for another method.
    #[error("the proof's `htm` is not the method of the request")]
    Method,
    /// Made for another address.
    #[error("the proof's `htu` is not the address of the request")]
    Uri,
    /// Its time is over.
    #[error("the proof is older than 5 minutes: sign one for each request, and check the client's clock")]
    Old,
    /// Its time has not come.
    #[error("the proof is from the future by more than 5 minutes: check the client's clock")]
    FromTheFuture,
    /// Made for another access token, or for none.
    #[error("the proof's `ath` is not the hash of the access token")]
    OtherToken,
    /// Empty or too long.
    #[error("the proof's `jti` is empty or longer than 256 bytes")]
    Jti,
    /// It came before.
    #[error("the proof was used before: sign one for each request")]
    Replayed,
    /// It has no nonce of ours, or an old one.
    #[error("{0}")]
    Nonce(NonceError),
}

impl From<JwsError> for ProofError {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::Refused { .. } => Self::HeaderMember,
            _ => Self::Malformed,
        }
    }
}

impl From<KeyError> for ProofError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Private { .. } => Self::PrivateKey,
            _ => Self::Key,
        }
    }
}

/// Verifies a proof for the request at hand.
///
/// Spec: RFC 9449 §4.3 (2) to (11); whether it is the key of the token (12) is for whoever has verified that.
///
/// # Errors
/// [`ProofError`], one variant per cause.
pub fn verify(presented: &PresentedProof, wanted: &ProofFor<'_>, now: Timestamp) -> Result<Proof, ProofError> {
    let jwt = Compact::split(&presented.0)?;
    let (header, jwk) = jwt.header_with_key()?;
    if !header.is_type(TYPE) {
        return Err(ProofError::Type);
    }
    let alg = Algorithm::parse(&header.alg).ok_or(ProofError::Algorithm)?;
    let key = PublicKeys::one(&jwk, alg)?;
    let signed = jwt.signed_by(&key.key).map_err(|_| ProofError::Signature)?;
    let (claims, _) = signed.claims::<Claims>()?;
    check(&claims, wanted, now)?;
    let id = Digest::of(&format!("{} {}", key.thumbprint, claims.jti));
    let not_after = Timestamp::from_seconds(claims.iat.saturating_add(WINDOW + REMEMBERED_BEYOND));
    Ok(Proof { thumbprint: key.thumbprint, id, not_after })
}

/// Claims that are not listed are passed over.
///
/// Spec: RFC 9449 §4.2
#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    #[serde(deserialize_with = "seconds")]
    iat: i64,
    #[serde(default)]
    ath: Option<String>,
    #[serde(default)]
    nonce: Option<String>,
}

/// Spec: RFC 9449 §4.3 (8) to (12)
fn check(claims: &Claims, wanted: &ProofFor<'_>, now: Timestamp) -> Result<(), ProofError> {
    if claims.htm != wanted.method {
        return Err(ProofError::Method);
    }
    if TargetUri::parse(&claims.htu).as_ref() != Some(wanted.uri) {
        return Err(ProofError::Uri);
    }
    if claims.jti.is_empty() || claims.jti.len() > LONGEST_JTI {
        return Err(ProofError::Jti);
    }
    if let Some(token) = wanted.token
        && claims.ath.as_deref() != Some(token.to_base64url().as_str())
    {
        return Err(ProofError::OtherToken);
    }
    // Before its age: whose clock is wrong is told by the nonce what the time is here.
    if let Some(nonces) = wanted.nonces {
        nonces.check(claims.nonce.as_deref(), now).map_err(ProofError::Nonce)?;
    }
    if claims.iat < now.seconds().saturating_sub(WINDOW) {
        return Err(ProofError::Old);
    }
    if claims.iat > now.seconds().saturating_add(WINDOW) {
        return Err(ProofError::FromTheFuture);
    }
    Ok(())
}
