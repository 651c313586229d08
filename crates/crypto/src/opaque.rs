//! Secrets that are only ever looked up: authorization codes, refresh tokens, session
//! ids, flow tickets, CSRF values.
//!
//! The prefix lets a person and a secret scanner see what leaked. Only the [`Digest`] is stored.
//!
//! Spec: RFC 6749 §10.10 (guessing: at most 2^-128; these have 2^-256).

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::{Digest, MasterKey, random};

/// 256 random bits with a prefix, to be shown once to whoever it is for.
pub struct Opaque(Zeroizing<String>);

impl Opaque {
    /// A new one: `{prefix}_{43 characters}`.
    pub fn mint(prefix: &'static str) -> Self {
        let bits = Zeroizing::new(random::<32>());
        Self(Zeroizing::new(format!("{prefix}_{}", BASE64_URL_SAFE_NO_PAD.encode(bits.as_slice()))))
    }

    /// The secret that follows `presented`: the same one for whoever has the master key, the nonce and `presented`,
    /// and out of reach for whoever lacks one of them. So nothing that works is stored, and yet it can be told again.
    ///
    /// A nonce is 43 characters of [`Self::nonce`], so it can not run into what follows it.
    pub fn following(prefix: &'static str, master: &MasterKey, nonce: &str, presented: &str) -> Self {
        let bits = master.derive("refresh").mac(&[nonce, presented]);
        Self(Zeroizing::new(format!("{prefix}_{}", bits.to_base64url())))
    }

    /// 256 random bits, to be kept for as long as [`Self::following`] may be asked again.
    pub fn nonce() -> String {
        BASE64_URL_SAFE_NO_PAD.encode(random::<32>())
    }

    /// One that its holder presented, to be given back.
    pub fn presented(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
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
    fn what_follows_depends_on_key_nonce_and_predecessor_and_on_nothing_else() {
        let (one, other) = (MasterKey::from_bytes([7; 32]), MasterKey::from_bytes([8; 32]));
        let (nonce, again) = (Opaque::nonce(), Opaque::nonce());
        let next = |master: &MasterKey, nonce: &str, of: &str| Opaque::following("rt", master, nonce, of);
        let first = next(&one, &nonce, "rt_a");
        assert!(first.digest().same_as(&next(&MasterKey::from_bytes([7; 32]), &nonce, "rt_a").digest()));
        for different in [next(&other, &nonce, "rt_a"), next(&one, &again, "rt_a"), next(&one, &nonce, "rt_b")] {
            assert!(!first.digest().same_as(&different.digest()));
        }
        assert!(first.expose().starts_with("rt_") && first.expose().len() == "rt_".len() + 43);
        assert_eq!((nonce.len(), again.len()), (43, 43));
    }

    /// The key of the master key's other uses is another.
    #[test]
    fn what_follows_is_not_what_an_authenticator_says() {
        let master = MasterKey::from_bytes([7; 32]);
        let nonce = Opaque::nonce();
        let next = Opaque::following("rt", &master, &nonce, "rt_a");
        let text = master.authenticate(&format!("{nonce}rt_a")).to_base64url();
        assert!(!next.expose().ends_with(&text));
    }

    #[test]
    fn no_two_are_alike_and_none_shows_in_debug_output() {
        let (a, b) = (Opaque::mint("s"), Opaque::mint("s"));
        assert!(!a.digest().same_as(&b.digest()));
        assert_eq!(format!("{a:?}"), "[secret]");
    }
}
