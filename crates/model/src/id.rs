//! Typed identifiers: an [`Id<Agent>`] can not be handed where an [`Id<Grant>`] is due.
//!
//! People, servers and agents are known by short names that operators type;
//! everything else has a prefix and 128 random bits. Ids that we make never begin with
//! `https://`, so they can not be taken for a Client ID Metadata Document's URL.

use std::{fmt, marker::PhantomData, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The identifier of a `T`: 1 to 128 characters of `A-Z a-z 0-9 . _ @ ~ -`.
pub struct Id<T> {
    text: Arc<str>,
    kind: PhantomData<fn() -> T>,
}

/// The prefix of ids we mint for a kind of thing.
pub trait Minted {
    /// Three letters, without the underscore.
    const PREFIX: &'static str;
}

impl<T> Id<T> {
    /// The text of the id.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<T: Minted> Id<T> {
    /// A new id from 128 random bits, which only `token` can draw.
    pub fn from_entropy(bits: [u8; 16]) -> Self {
        use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
        let text = format!("{}_{}", T::PREFIX, BASE64_URL_SAFE_NO_PAD.encode(bits));
        Self { text: text.into(), kind: PhantomData }
    }
}

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a name: use 1 to 128 of the characters A-Z a-z 0-9 . _ @ ~ -")]
pub struct BadId(String);

impl<T> FromStr for Id<T> {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '@' | '~' | '-');
        if (1..=128).contains(&text.len()) && text.chars().all(fits) {
            Ok(Self { text: text.into(), kind: PhantomData })
        } else {
            Err(BadId(text.chars().take(64).collect()))
        }
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), kind: PhantomData }
    }
}

impl<T> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<T> Eq for Id<T> {}

impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl<T> std::hash::Hash for Id<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl<T> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de, T> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl<T> schemars::JsonSchema for Id<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[A-Za-z0-9._@~-]{1,128}$"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Grant, Person};

    #[test]
    fn names_that_operators_type_are_ids() {
        assert_eq!("ada".parse::<Id<Person>>().unwrap().as_str(), "ada");
        assert!("claude-code@ada".parse::<Id<Person>>().is_ok());
    }

    #[test]
    fn anything_that_could_be_a_url_a_path_or_a_control_character_is_no_id() {
        for bad in ["", "a/b", "https://x", "a b", "a\n", "ä", &"x".repeat(129)] {
            assert!(bad.parse::<Id<Person>>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_minted_id_names_its_kind() {
        assert_eq!(Id::<Grant>::from_entropy([0; 16]).as_str(), "grt_AAAAAAAAAAAAAAAAAAAAAA");
    }
}
