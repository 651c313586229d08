//! The public keys of a client, from its registration or its metadata document.
//!
//! A key set that carries a private or symmetric key is refused as a whole: its owner published
//! a secret, and nobody who reads it could be told apart from the owner. Keys of kinds we do not know
//! are passed over, because a set may serve other readers too.
//!
//! Spec: RFC 7517 §4 and §5, RFC 7518 §6, RFC 7638 §3, RFC 8037 §2, RFC 9864 §2.2 (`Ed25519`).

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, EcdsaVerificationAlgorithm, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPublicKeyComponents,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use model::Thumbprint;
use serde_json::{Map, Value};

use crate::{Digest, KeyError};

/// More keys than this in one set are refused.
const MAX_KEYS: usize = 16;

/// Members that only a private or a symmetric key has (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// At least one key that can verify; parsed once.
#[derive(Clone, Debug)]
pub struct PublicKeys(Vec<PublicKey>);

impl PublicKeys {
    /// From one JWK or a JWK set.
    ///
    /// Spec: RFC 7517 §5
    ///
    /// # Errors
    /// [`KeyError`], one variant per cause.
    pub fn parse(json: &Value) -> Result<Self, KeyError> {
        let object = json.as_object().ok_or(KeyError::NotAKeySet)?;
        let jwks = match object.get("keys") {
            Some(Value::Array(keys)) => keys.as_slice(),
            Some(_) => return Err(KeyError::NotAKeySet),
            None if object.contains_key("kty") => std::slice::from_ref(json),
            None => return Err(KeyError::NotAKeySet),
        };
        if jwks.len() > MAX_KEYS {
            return Err(KeyError::TooMany { most: MAX_KEYS });
        }
        let mut keys = Vec::new();
        for jwk in jwks {
            read(jwk.as_object().ok_or(KeyError::NotAKeySet)?, None, &mut keys)?;
        }
        if keys.is_empty() { Err(KeyError::NoUsableKey) } else { Ok(Self(keys)) }
    }

    /// The one key of a JWK, for the algorithm that its sender names.
    ///
    /// Spec: RFC 9449 §4.3 (7)
    pub(crate) fn one(jwk: &Map<String, Value>, alg: Algorithm) -> Result<PublicKey, KeyError> {
        let mut keys = Vec::new();
        read(jwk, Some(alg), &mut keys)?;
        keys.pop().ok_or(KeyError::NoUsableKey)
    }

    /// The keys that may have signed what names this algorithm and, perhaps, this key.
    pub(crate) fn named<'a>(&'a self, alg: Algorithm, kid: Option<&'a str>) -> impl Iterator<Item = &'a PublicKey> {
        self.0.iter().filter(move |key| key.alg == alg && kid.is_none_or(|kid| kid == &*key.kid))
    }
}

/// One key for one algorithm; an RSA key that names none serves two.
#[derive(Clone)]
pub(crate) struct PublicKey {
    kid: Box<str>,
    alg: Algorithm,
    /// What it is called by everybody, whatever its owner calls it.
    pub(crate) thumbprint: Thumbprint,
    pub(crate) key: ParsedPublicKey,
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.alg.name(), self.kid)
    }
}

/// How a client may sign; asymmetric only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Es256,
    Es384,
    EdDsa,
    Rs256,
    Ps256,
}

/// Every algorithm by its names on the wire. What is advertised is made of this, so it is what verifies.
const ALGORITHMS: [(&str, Algorithm); 6] = [
    ("ES256", Algorithm::Es256),
    ("ES384", Algorithm::Es384),
    ("EdDSA", Algorithm::EdDsa),
    ("Ed25519", Algorithm::EdDsa),
    ("RS256", Algorithm::Rs256),
    ("PS256", Algorithm::Ps256),
];

/// The names of the algorithms by which clients may sign, assertions and proofs alike.
pub const CLIENT_ALGORITHMS: &[&str] = &{
    let mut names = [""; ALGORITHMS.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = ALGORITHMS[at].0;
        at += 1;
    }
    names
};

impl Algorithm {
    fn name(self) -> &'static str {
        ALGORITHMS.iter().find(|(_, alg)| *alg == self).map_or("", |(name, _)| name)
    }

    /// `None` for anything else, `none` and the symmetric ones among it.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        ALGORITHMS.iter().find(|(known, _)| *known == name).map(|(_, alg)| *alg)
    }
}

/// Adds what `jwk` can verify, by `only` this algorithm if one is given; which may be nothing.
fn read(jwk: &Map<String, Value>, only: Option<Algorithm>, keys: &mut Vec<PublicKey>) -> Result<(), KeyError> {
    if let Some(member) = PRIVATE.into_iter().find(|member| jwk.contains_key(*member)) {
        return Err(KeyError::Private { member });
    }
    if jwk.get("kty").and_then(Value::as_str) == Some("oct") {
        return Err(KeyError::Private { member: "kty" });
    }
    if !is_for_signatures(jwk) {
        return Ok(());
    }
    let text = |member| jwk.get(member).and_then(Value::as_str);
    match (text("kty"), text("crv")) {
        (Some("EC"), Some("P-256")) => ec(jwk, only, &P256, keys),
        (Some("EC"), Some("P-384")) => ec(jwk, only, &P384, keys),
        (Some("OKP"), Some("Ed25519")) => ed25519(jwk, only, keys),
        (Some("RSA"), _) => rsa(jwk, only, keys),
        (Some(_), _) => Ok(()),
        (None, _) => Err(KeyError::Member { member: "kty" }),
    }
}

/// Spec: RFC 7517 §4.2 (`use`) and §4.3 (`key_ops`)
fn is_for_signatures(jwk: &Map<String, Value>) -> bool {
    let verifies = |ops: &Value| ops.as_array().is_some_and(|ops| ops.iter().any(|op| op == "verify"));
    jwk.get("use").is_none_or(|word| word == "sig") && jwk.get("key_ops").is_none_or(verifies)
}

/// A curve of elliptic keys, and the one algorithm that goes with it.
///
/// Spec: RFC 7518 §3.4 and §6.2.1
struct Curve {
    name: &'static str,
    bytes: usize,
    alg: Algorithm,
    verifies: &'static EcdsaVerificationAlgorithm,
}

static P256: Curve = Curve { name: "P-256", bytes: 32, alg: Algorithm::Es256, verifies: &ECDSA_P256_SHA256_FIXED };
static P384: Curve = Curve { name: "P-384", bytes: 48, alg: Algorithm::Es384, verifies: &ECDSA_P384_SHA384_FIXED };

fn ec(
    jwk: &Map<String, Value>,
    only: Option<Algorithm>,
    curve: &Curve,
    keys: &mut Vec<PublicKey>,
) -> Result<(), KeyError> {
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    for (member, coordinate) in [("x", &x), ("y", &y)] {
        if coordinate.len() != curve.bytes {
            return Err(KeyError::Member { member });
        }
    }
    let point = [&[4], x.as_slice(), &y].concat();
    let parse = |_| ParsedPublicKey::new(curve.verifies, &point).map_err(|_| KeyError::Invalid { kind: curve.name });
    add((jwk, &["crv", "kty", "x", "y"]), (&[curve.alg], only), parse, keys)
}

fn ed25519(jwk: &Map<String, Value>, only: Option<Algorithm>, keys: &mut Vec<PublicKey>) -> Result<(), KeyError> {
    let x = bytes(jwk, "x")?;
    if x.len() != 32 {
        return Err(KeyError::Member { member: "x" });
    }
    let parse = |_| ParsedPublicKey::new(&ED25519, &x).map_err(|_| KeyError::Invalid { kind: "Ed25519" });
    add((jwk, &["crv", "kty", "x"]), (&[Algorithm::EdDsa], only), parse, keys)
}

fn rsa(jwk: &Map<String, Value>, only: Option<Algorithm>, keys: &mut Vec<PublicKey>) -> Result<(), KeyError> {
    let (n, e) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
    let bits = n.len() * 8 - n.first().map_or(0, |byte| byte.leading_zeros() as usize);
    if n.first() == Some(&0) || e.first() == Some(&0) {
        return Err(KeyError::Member { member: "n" });
    }
    if !(2048..=4096).contains(&bits) {
        return Err(KeyError::RsaSize { bits });
    }
    // With the exponent 1 every text would be its own signature; a huge one costs us time.
    if e.len() > 4 || e.last().is_none_or(|last| last % 2 == 0) || e == [1] {
        return Err(KeyError::Invalid { kind: "RSA" });
    }
    let parse = |alg| {
        let scheme: &'static RsaParameters = match alg {
            Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
            _ => &RSA_PKCS1_2048_8192_SHA256,
        };
        RsaPublicKeyComponents { n: &n, e: &e }
            .to_parsed_public_key(scheme)
            .map_err(|_| KeyError::Invalid { kind: "RSA" })
    };
    add((jwk, &["e", "kty", "n"]), (&[Algorithm::Rs256, Algorithm::Ps256], only), parse, keys)
}

/// Adds the key once for each algorithm it may be used with.
///
/// Spec: RFC 7517 §4.4 (`alg` narrows), RFC 8725 §3.1 (one algorithm per key and use)
fn add(
    (jwk, required): (&Map<String, Value>, &[&str]),
    (algorithms, only): (&[Algorithm], Option<Algorithm>),
    parse: impl Fn(Algorithm) -> Result<ParsedPublicKey, KeyError>,
    keys: &mut Vec<PublicKey>,
) -> Result<(), KeyError> {
    let thumbprint = thumbprint(jwk, required)?;
    let kid: Box<str> = match jwk.get("kid") {
        None => thumbprint.as_str().into(),
        Some(Value::String(kid)) if (1..=256).contains(&kid.len()) => kid.as_str().into(),
        Some(_) => return Err(KeyError::Member { member: "kid" }),
    };
    let named = match jwk.get("alg") {
        None => None,
        Some(Value::String(name)) => Some(Algorithm::parse(name)),
        Some(_) => return Err(KeyError::Member { member: "alg" }),
    };
    for &alg in algorithms {
        if named.is_none_or(|named| named == Some(alg)) && only.is_none_or(|only| only == alg) {
            keys.push(PublicKey { kid: kid.clone(), alg, thumbprint: thumbprint.clone(), key: parse(alg)? });
        }
    }
    Ok(())
}

/// Spec: RFC 7638 §3.2, RFC 8037 §2. The members are base64url or registered words: nothing to escape.
fn thumbprint(jwk: &Map<String, Value>, members: &[&str]) -> Result<Thumbprint, KeyError> {
    let member = |name: &&str| format!(r#""{name}":"{}""#, jwk.get(*name).and_then(Value::as_str).unwrap_or_default());
    let members: Vec<String> = members.iter().map(member).collect();
    let digest = Digest::of(&format!("{{{}}}", members.join(",")));
    digest.to_base64url().parse().map_err(|_| KeyError::Member { member: "kty" })
}

fn bytes(jwk: &Map<String, Value>, member: &'static str) -> Result<Vec<u8>, KeyError> {
    let text = jwk.get(member).and_then(Value::as_str).ok_or(KeyError::Member { member })?;
    if text.len() > 2048 {
        return Err(KeyError::Member { member });
    }
    BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyError::Member { member })
}
