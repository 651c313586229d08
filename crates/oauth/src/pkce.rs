//! Proof Key for Code Exchange: whoever redeems a code is whoever asked for it.
//!
//! Spec: RFC 7636, OAuth 2.1 §4.1.1 and §4.1.3.
//! Differs: `plain` does not exist here (docs/divergences.md).

use crypto::Digest;

/// An S256 code challenge, as it came with the authorization request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge(String);

/// Why a challenge or a verifier is no good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PkceError {
    /// Any method but `S256`.
    #[error("the code challenge method is not supported: use `S256`")]
    Method,
    /// Not the base64url of a SHA-256.
    #[error("the code challenge is not 43 base64url characters: send BASE64URL(SHA256(verifier)) without padding")]
    Challenge,
    /// Not 43 to 128 unreserved characters.
    #[error("the code verifier is not 43 to 128 of the characters A-Z a-z 0-9 - . _ ~")]
    Verifier,
    /// A well-formed verifier of another challenge.
    #[error("the code verifier does not belong to the code challenge")]
    Mismatch,
}

impl Challenge {
    /// From `code_challenge` and `code_challenge_method`.
    ///
    /// An absent method means `plain` (RFC 7636 §4.3): hand in `""` and it is refused.
    ///
    /// Spec: RFC 7636 §4.3
    ///
    /// # Errors
    /// [`PkceError::Method`] and [`PkceError::Challenge`].
    pub fn parse(text: &str, method: &str) -> Result<Self, PkceError> {
        let base64url = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if method != "S256" {
            return Err(PkceError::Method);
        }
        if text.len() != 43 || !text.bytes().all(base64url) {
            return Err(PkceError::Challenge);
        }
        Ok(Self(text.to_owned()))
    }

    /// The challenge a client sends for `verifier`.
    ///
    /// Spec: RFC 7636 §4.2
    pub fn of_verifier(verifier: &str) -> Self {
        Self(Digest::of(verifier).to_base64url())
    }

    /// A challenge that was parsed before it was stored.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text, for storing.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Does `verifier` belong to this challenge?
    ///
    /// Spec: RFC 7636 §4.6
    ///
    /// # Errors
    /// [`PkceError::Verifier`] and [`PkceError::Mismatch`].
    pub fn check(&self, verifier: &str) -> Result<(), PkceError> {
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
        if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
            return Err(PkceError::Verifier);
        }
        // Digests of the two texts are compared, so the time tells nothing about the challenge.
        if Digest::of(&Self::of_verifier(verifier).0).same_as(&Digest::of(&self.0)) {
            Ok(())
        } else {
            Err(PkceError::Mismatch)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    /// Spec: RFC 7636 Appendix B
    #[test]
    fn the_verifier_of_the_rfc_opens_the_challenge_of_the_rfc() {
        let challenge = Challenge::parse(CHALLENGE, "S256").unwrap();
        assert_eq!(challenge.check(VERIFIER), Ok(()));
        assert_eq!(Challenge::of_verifier(VERIFIER), challenge);
        assert_eq!(Challenge::from_stored(challenge.as_str().to_owned()), challenge);
    }

    /// Spec: RFC 7636 §4.6
    #[test]
    fn another_verifier_is_refused() {
        let challenge = Challenge::parse(CHALLENGE, "S256").unwrap();
        let cases = [
            (VERIFIER.replacen('d', "e", 1), PkceError::Mismatch),
            (format!("{VERIFIER}x"), PkceError::Mismatch),
            (CHALLENGE.to_owned(), PkceError::Mismatch),
            (String::new(), PkceError::Verifier),
            (VERIFIER[1..].to_owned(), PkceError::Verifier),
            ("x".repeat(129), PkceError::Verifier),
            (format!("{}+", &VERIFIER[1..]), PkceError::Verifier),
            (format!("{} ", &VERIFIER[1..]), PkceError::Verifier),
            (format!("{}é", &VERIFIER[1..]), PkceError::Verifier),
        ];
        for (verifier, why) in cases {
            assert_eq!(challenge.check(&verifier), Err(why), "{verifier:?}");
        }
    }

    /// Spec: RFC 7636 §4.3, OAuth 2.1 §4.1.1
    #[test]
    fn only_s256_is_a_method() {
        for method in ["plain", "", "s256", "S512", "S256 "] {
            assert_eq!(Challenge::parse(CHALLENGE, method), Err(PkceError::Method), "{method:?}");
        }
    }

    /// Spec: RFC 7636 §4.2
    #[test]
    fn a_challenge_of_another_shape_is_refused() {
        let padded = format!("{CHALLENGE}=");
        for text in ["", "short", &padded, &CHALLENGE.replacen('-', "+", 1), &CHALLENGE[1..]] {
            assert_eq!(Challenge::parse(text, "S256"), Err(PkceError::Challenge), "{text:?}");
        }
    }
}
