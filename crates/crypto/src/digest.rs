//! SHA-256 of a secret: what is stored and looked up instead of the secret.
//!
//! A secret of 256 random bits can not be guessed from its digest, so no salt and no
//! slow hash is needed (passwords are another matter: see [`crate::password`]).

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;

/// A SHA-256 value.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of a text's bytes.
    pub fn of(text: &str) -> Self {
        Self::of_bytes(text.as_bytes())
    }

    /// Of some bytes.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self::from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref())
    }

    /// From 32 bytes that a hash of this crate gave.
    pub(crate) fn from_slice(bytes: &[u8]) -> Self {
        let mut out = [0; 32];
        out.copy_from_slice(bytes);
        Self(out)
    }

    /// 64 lower-case hexadecimal digits.
    pub fn to_hex(&self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.0.iter().flat_map(|b| [b >> 4, b & 15]).map(|nibble| char::from(DIGITS[usize::from(nibble)])).collect()
    }

    /// Back from [`Self::to_hex`]; upper case is refused, so that one digest has one text.
    pub fn from_hex(text: &str) -> Option<Self> {
        let nibble = |b: u8| match b {
            b'0'..=b'9' => Some(b - b'0'),
            b'a'..=b'f' => Some(b - b'a' + 10),
            _ => None,
        };
        if text.len() != 64 {
            return None;
        }
        let mut out = [0; 32];
        for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Some(Self(out))
    }

    /// Without padding, as RFC 7636 and RFC 7638 write a digest.
    pub fn to_base64url(self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The 32 bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Are the two equal? Takes the same time wherever they differ.
    pub fn same_as(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// The first digits only: enough to tell two apart in a log, useless for a look-up.
impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({}…)", &self.to_hex()[..8])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec: FIPS 180-4 (test vector of "abc")
    #[test]
    fn the_digest_is_sha_256() {
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::of("abc").to_hex(), hex);
        assert_eq!(Digest::from_hex(hex), Some(Digest::of("abc")));
    }

    #[test]
    fn a_digest_has_one_spelling() {
        let hex = Digest::of("abc").to_hex();
        for bad in [hex.to_uppercase(), hex[1..].to_owned(), format!("{hex}0"), hex.replacen('b', "g", 1)] {
            assert_eq!(Digest::from_hex(&bad), None, "{bad}");
        }
        assert_eq!(Digest::from_hex(&"é".repeat(32)), None);
    }

    #[test]
    fn equality_holds_for_equal_digests_only() {
        assert!(Digest::of("a").same_as(&Digest::of("a")));
        assert!(!Digest::of("a").same_as(&Digest::of("b")));
    }

    #[test]
    fn debug_output_does_not_carry_the_whole_digest() {
        assert_eq!(format!("{:?}", Digest::of("abc")), "Digest(ba7816bf…)");
    }
}
