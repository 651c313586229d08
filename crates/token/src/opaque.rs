//! Secrets that are only ever looked up: authorization codes, refresh tokens, session
//! ids, flow tickets, CSRF values.
//!
//! The prefix lets a person and a secret scanner see what leaked. Only the [`Digest`] is stored.
//!
//! Spec: RFC 6749 §10.10 (guessing: at most 2^-128; these have 2^-256).

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::{Digest, random};

/// 256 random bits with a prefix, to be shown once to whoever it is for.
pub struct Opaque(Zeroizing<String>);

impl Opaque {
    /// A new one: `{prefix}_{43 characters}`.
    pub fn mint(prefix: &'static str) -> Self {
        let bits = Zeroizing::new(random::<32>());
        Self(Zeroizing::new(format!("{prefix}_{}", BASE64_URL_SAFE_NO_PAD.encode(bits.as_slice()))))
    }

    /// The secret itself. Each call of this is a place to review.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What to store.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opaque_secret_names_its_kind_and_carries_256_bits() {
        let code = Opaque::mint("code");
        assert_eq!(code.expose().len(), "code_".len() + 43);
        assert!(code.expose().starts_with("code_"));
        assert_eq!(code.digest(), Digest::of(code.expose()));
    }

    #[test]
    fn no_two_are_alike_and_none_shows_in_debug_output() {
        let (a, b) = (Opaque::mint("s"), Opaque::mint("s"));
        assert!(!a.digest().same_as(&b.digest()));
        assert_eq!(format!("{a:?}"), "[secret]");
    }
}
