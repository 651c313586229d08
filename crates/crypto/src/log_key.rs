//! The Ed25519 key that signs the heads of the audit log.
//!
//! Spec: RFC 8032 §5.1, C2SP signed-note.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use zeroize::Zeroizing;

use crate::KeyError;

/// Signs checkpoints and nothing else.
pub struct LogKey(Ed25519KeyPair);

impl LogKey {
    /// A new key.
    ///
    /// # Panics
    /// When the system has no randomness to give.
    pub fn generate() -> Self {
        Self(Ed25519KeyPair::generate().expect("the system's random generator works"))
    }

    /// The private key as PKCS #8 version 1, to be sealed before it is stored.
    ///
    /// # Panics
    /// Never for a key this type holds.
    pub fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        let document = self.0.to_pkcs8v1().expect("an Ed25519 key has a PKCS #8 form");
        Zeroizing::new(document.as_ref().to_vec())
    }

    /// Back from [`Self::to_pkcs8`].
    ///
    /// # Errors
    /// [`KeyError::Pkcs8`] when the bytes are no Ed25519 private key.
    pub fn from_pkcs8(bytes: &[u8]) -> Result<Self, KeyError> {
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(bytes)
            .map(Self)
            .map_err(|_| KeyError::Pkcs8 { expected: "an Ed25519 private key" })
    }

    /// The public key: what an outsider needs to check the log.
    pub fn public_bytes(&self) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(self.0.public_key().as_ref());
        out
    }

    /// The signature over `message`.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut out = [0; 64];
        out.copy_from_slice(self.0.sign(message).as_ref());
        out
    }
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogKey([secret])")
    }
}

/// The signature is not of this key over this message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not belong to this key and message")]
pub struct BadSignature;

/// Is `signature` the log's over `message`?
///
/// # Errors
/// [`BadSignature`], also when `signature` has another length or `public` is no point of the curve.
pub fn verify_log_signature(public: &[u8; 32], message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
    UnparsedPublicKey::new(&ED25519, public).verify(message, signature).map_err(|_| BadSignature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_key_signs_like_the_one_that_was_stored() {
        let key = LogKey::generate();
        let again = LogKey::from_pkcs8(&key.to_pkcs8()).unwrap();
        assert_eq!(again.public_bytes(), key.public_bytes());
        assert_eq!(verify_log_signature(&key.public_bytes(), b"head", &again.sign(b"head")), Ok(()));
    }

    /// Spec: RFC 8032 §7.1 (test 1: the empty message)
    #[test]
    fn the_test_vector_of_the_rfc_verifies() {
        let public =
            crate::Digest::from_hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a").unwrap();
        let r = crate::Digest::from_hex("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155").unwrap();
        let s = crate::Digest::from_hex("5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b").unwrap();
        let signature = [r.bytes().as_slice(), s.bytes()].concat();
        assert_eq!(verify_log_signature(public.bytes(), b"", &signature), Ok(()));
    }

    #[test]
    fn another_message_key_or_signature_is_refused() {
        let key = LogKey::generate();
        let (public, signature) = (key.public_bytes(), key.sign(b"head"));
        let mut flipped = signature;
        flipped[5] ^= 1;
        let other = LogKey::generate().public_bytes();
        assert_eq!(verify_log_signature(&public, b"haed", &signature), Err(BadSignature));
        assert_eq!(verify_log_signature(&other, b"head", &signature), Err(BadSignature));
        assert_eq!(verify_log_signature(&public, b"head", &flipped), Err(BadSignature));
        assert_eq!(verify_log_signature(&public, b"head", &signature[..63]), Err(BadSignature));
        assert_eq!(verify_log_signature(&[0xff; 32], b"head", &signature), Err(BadSignature));
    }

    #[test]
    fn a_key_of_another_kind_is_refused_and_none_shows_in_debug_output() {
        let ecdsa = crate::SigningKey::generate();
        assert!(LogKey::from_pkcs8(&ecdsa.to_pkcs8()).is_err() && LogKey::from_pkcs8(b"x").is_err());
        assert_eq!(format!("{:?}", LogKey::generate()), "LogKey([secret])");
    }
}
