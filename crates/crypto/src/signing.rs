//! The key that signs access tokens: ES256, named by its thumbprint.
//!
//! Spec: RFC 7518 §3.4 (ES256), RFC 7638 (thumbprint).

use std::fmt;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{Digest, KeyError};

/// An ES256 key pair.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    kid: Box<str>,
    public: ParsedPublicKey,
}

impl SigningKey {
    /// A new key.
    ///
    /// # Panics
    /// When the system has no randomness to give.
    pub fn generate() -> Self {
        let pair =
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("the system's random generator works");
        Self::new(pair).expect("a generated key is a point of P-256")
    }

    /// Back from [`Self::to_pkcs8`].
    ///
    /// # Errors
    /// [`KeyError::Pkcs8`] when the bytes are no P-256 private key.
    pub fn from_pkcs8(bytes: &[u8]) -> Result<Self, KeyError> {
        let wrong = || KeyError::Pkcs8 { expected: "a P-256 private key" };
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes).map_err(|_| wrong())?;
        Self::new(pair).ok_or_else(wrong)
    }

    fn new(pair: EcdsaKeyPair) -> Option<Self> {
        let point = pair.public_key().as_ref();
        let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok()?;
        let kid = thumbprint(&coordinates(point)?).into();
        Some(Self { pair, kid, public })
    }

    /// The private key as PKCS #8, to be sealed before it is stored.
    ///
    /// # Panics
    /// Never for a key this type holds.
    pub fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        let document = self.pair.to_pkcs8v1().expect("a P-256 key has a PKCS #8 form");
        Zeroizing::new(document.as_ref().to_vec())
    }

    /// Its name: the RFC 7638 thumbprint, so no two nodes can mean different keys by one name.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half, with `kid`, `alg` and `use`.
    ///
    /// Spec: RFC 7517 §4, RFC 7518 §6.2.1
    ///
    /// # Panics
    /// Never for a key this type holds.
    pub fn public_jwk(&self) -> Value {
        let [x, y] = coordinates(self.pair.public_key().as_ref()).expect("checked when the key was made");
        json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": self.kid, "alg": "ES256", "use": "sig"})
    }

    /// The raw 64-byte signature (`r ‖ s`, RFC 7518 §3.4).
    pub(crate) fn sign(&self, message: &[u8]) -> Result<impl AsRef<[u8]> + use<>, KeyError> {
        self.pair.sign(&SystemRandom::new(), message).map_err(|_| KeyError::Sign)
    }

    /// The public half, parsed once.
    pub(crate) fn public(&self) -> &ParsedPublicKey {
        &self.public
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}

/// `x` and `y` of an uncompressed point, in base64url.
fn coordinates(point: &[u8]) -> Option<[String; 2]> {
    match point {
        [4, rest @ ..] if rest.len() == 64 => {
            Some([BASE64_URL_SAFE_NO_PAD.encode(&rest[..32]), BASE64_URL_SAFE_NO_PAD.encode(&rest[32..])])
        }
        _ => None,
    }
}

/// Spec: RFC 7638 §3.2 (members in lexicographic order, no white space)
fn thumbprint([x, y]: &[String; 2]) -> String {
    Digest::of(&format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)).to_base64url()
}
