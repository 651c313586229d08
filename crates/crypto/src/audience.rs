//! The `aud` of a signed text.
//!
//! Spec: RFC 7519 §4.1.3

use serde::Deserialize;

/// Whom it is for.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    /// Is it for `issuer`, and for nobody besides?
    pub(crate) fn is_only(&self, issuer: &str) -> bool {
        match self {
            Self::One(one) => one == issuer,
            Self::Many(many) => matches!(many.as_slice(), [one] if one == issuer),
        }
    }
}
