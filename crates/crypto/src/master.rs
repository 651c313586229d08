//! Sealing at rest: whoever reads the database without the master key reads nothing secret.
//!
//! AES-256-GCM with a random 96-bit nonce. The purpose is associated data, so what was
//! sealed as one thing can not be passed off as another.
//!
//! Spec: NIST SP 800-38D, RFC 5869 (derivation).

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hkdf::{HKDF_SHA256, Salt},
};
use zeroize::Zeroizing;

use crate::random;

/// The first byte of what is sealed; another form would get another number.
const FORM: u8 = 1;

/// The key that seals what must be kept secret on disk.
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// Why something sealed does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Too short, or of a form this version does not know.
    #[error("the sealed bytes are cut off or of an unknown form")]
    Form,
    /// Another key, another purpose, or changed bytes: they can not be told apart.
    #[error(
        "the sealed bytes do not open: they were sealed with another master key, for another purpose, or were changed"
    )]
    WrongKey,
}

impl MasterKey {
    /// From the 32 bytes of the key file.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A new key, and its bytes for the key file.
    pub fn generate() -> (Self, Zeroizing<[u8; 32]>) {
        let bytes = Zeroizing::new(random());
        (Self(bytes.clone()), bytes)
    }

    /// Seals `plain` for `purpose`, a stable text such as `signing_key/{kid}`.
    ///
    /// # Panics
    /// When the system has no randomness to give.
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Vec<u8> {
        let mut body = Vec::with_capacity(plain.len() + AES_256_GCM.tag_len());
        body.extend_from_slice(plain);
        let nonce = self
            .cipher()
            .seal_in_place_append_tag(Aad::from(purpose.as_bytes()), &mut body)
            .expect("sealing needs only randomness");
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + body.len());
        sealed.push(FORM);
        sealed.extend_from_slice(nonce.as_ref());
        sealed.extend_from_slice(&body);
        sealed
    }

    /// Opens what [`Self::seal`] sealed for the same purpose.
    ///
    /// # Errors
    /// [`OpenError`]; nothing of the plain text is returned then.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (&form, rest) = sealed.split_first().ok_or(OpenError::Form)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(OpenError::Form)?;
        if form != FORM {
            return Err(OpenError::Form);
        }
        let mut plain = Zeroizing::new(body.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self
            .cipher()
            .open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut plain)
            .map_err(|_| OpenError::WrongKey)?
            .len();
        plain.truncate(length);
        Ok(plain)
    }

    /// An independent key for `purpose`: knowing it tells nothing about this one.
    ///
    /// Spec: RFC 5869
    ///
    /// # Panics
    /// Never: 32 bytes are within what HKDF-SHA256 can give.
    pub fn derive(&self, purpose: &str) -> Self {
        let mut out = Zeroizing::new([0; 32]);
        let root = Salt::new(HKDF_SHA256, b"portcullis").extract(self.0.as_slice());
        root.expand(&[purpose.as_bytes()], HKDF_SHA256)
            .and_then(|okm| okm.fill(out.as_mut_slice()))
            .expect("HKDF-SHA256 gives 32 bytes");
        Self(out)
    }

    /// A value only a holder of this key could have computed over `text` (HMAC-SHA256).
    ///
    /// For values that a browser gets to keep, such as CSRF tokens.
    pub fn authenticate(&self, text: &str) -> crate::Digest {
        use aws_lc_rs::hmac;
        // A key of its own: this one already encrypts.
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.derive("authenticate").0.as_slice());
        crate::Digest::from_slice(hmac::sign(&key, text.as_bytes()).as_ref())
    }

    /// HMAC-SHA256 over the texts one after the other, under a key that does nothing else.
    pub(crate) fn mac(&self, texts: &[&str]) -> crate::Digest {
        use aws_lc_rs::hmac;
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, self.0.as_slice()));
        texts.iter().for_each(|text| context.update(text.as_bytes()));
        crate::Digest::from_slice(context.sign().as_ref())
    }

    fn cipher(&self) -> RandomizedNonceKey {
        RandomizedNonceKey::new(&AES_256_GCM, self.0.as_slice()).expect("the key has 32 bytes")
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey([secret])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_with_the_same_key_and_purpose() {
        let (key, bytes) = MasterKey::generate();
        let sealed = key.seal("signing_key/1", b"private");
        let again = MasterKey::from_bytes(*bytes);
        assert_eq!(again.open("signing_key/1", &sealed).unwrap().as_slice(), b"private");
        assert_eq!(again.open("empty", &key.seal("empty", b"")).unwrap().as_slice(), b"");
    }

    #[test]
    fn another_key_purpose_or_byte_opens_nothing() {
        let (key, _) = MasterKey::generate();
        let sealed = key.seal("a", b"private");
        assert_eq!(key.open("b", &sealed).unwrap_err(), OpenError::WrongKey);
        assert_eq!(MasterKey::generate().0.open("a", &sealed).unwrap_err(), OpenError::WrongKey);
        assert_eq!(key.derive("x").open("a", &sealed).unwrap_err(), OpenError::WrongKey);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open("a", &changed).is_err(), "byte {at}");
        }
        for length in 0..sealed.len() {
            assert!(key.open("a", &sealed[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn sealing_twice_gives_two_texts() {
        let (key, _) = MasterKey::generate();
        assert_ne!(key.seal("a", b"x"), key.seal("a", b"x"));
    }

    #[test]
    fn a_derived_key_depends_on_the_purpose_only() {
        let key = MasterKey::from_bytes([7; 32]);
        let sealed = key.derive("csrf").seal("p", b"x");
        assert!(MasterKey::from_bytes([7; 32]).derive("csrf").open("p", &sealed).is_ok());
        assert!(key.derive("other").open("p", &sealed).is_err());
    }

    #[test]
    fn an_authenticator_belongs_to_one_key_and_text() {
        let key = MasterKey::from_bytes([7; 32]);
        assert!(key.authenticate("a").same_as(&MasterKey::from_bytes([7; 32]).authenticate("a")));
        assert!(!key.authenticate("a").same_as(&key.authenticate("b")));
        assert!(!key.authenticate("a").same_as(&key.derive("x").authenticate("a")));
    }

    #[test]
    fn a_master_key_does_not_show_in_debug_output() {
        assert_eq!(format!("{:?}", MasterKey::from_bytes([7; 32])), "MasterKey([secret])");
    }
}
