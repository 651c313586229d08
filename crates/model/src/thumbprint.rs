//! The name of a key that nobody can choose: its thumbprint.
//!
//! Spec: RFC 7638 §3 (SHA-256 over the required members of a JWK), RFC 9449 §6.1 (`cnf.jkt`).

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// The thumbprint of a public key: 43 characters of base64url, of which each key has exactly one text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Thumbprint(Box<str>);

impl Thumbprint {
    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is no SHA-256 value in base64url without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a thumbprint has 43 characters of base64url without padding (RFC 7638)")]
pub struct NotAThumbprint;

impl FromStr for Thumbprint {
    type Err = NotAThumbprint;

    fn from_str(text: &str) -> Result<Self, NotAThumbprint> {
        let base64url = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        // 256 bits leave two of the last character over: with these set, one value would have several texts.
        let ends = |b: &u8| b"AEIMQUYcgkosw048".contains(b);
        match text.len() == 43 && text.bytes().all(base64url) && text.as_bytes().last().is_some_and(ends) {
            true => Ok(Self(text.into())),
            false => Err(NotAThumbprint),
        }
    }
}

impl<'de> Deserialize<'de> for Thumbprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec: RFC 7638 §3.1
    #[test]
    fn a_thumbprint_has_one_text() {
        let good = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
        assert_eq!(good.parse::<Thumbprint>().unwrap().as_str(), good);
        for wrong in [
            "",
            "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4",
            "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4J",
            "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I=",
            "0ZcOCORZNYy+DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
            "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4é",
        ] {
            assert_eq!(wrong.parse::<Thumbprint>(), Err(NotAThumbprint), "{wrong}");
        }
    }
}
