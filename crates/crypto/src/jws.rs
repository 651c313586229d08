//! The compact serialisation, read strictly: the one place that takes a signed text apart.
//!
//! The order is fixed: length, alphabet, header, signature, and only then the payload. What
//! cannot be read in exactly one way is refused: padding, repeated members, JSON that is no object.
//! Nothing in the header chooses a key or is fetched, except that `kid` picks among keys we hold.
//!
//! Spec: RFC 7515 §5.2 and §7.1, RFC 8725 §3.
//! Differs: written by hand over parsed keys. The library we compared (jsonwebtoken, in our tests)
//! leaves `typ`, `crit` and repeated members to the caller and parses the key anew at each call.

use std::fmt;

use aws_lc_rs::signature::ParsedPublicKey;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Map, Value};

use crate::{KeyError, SigningKey};

/// Longer texts are refused before anything is decoded.
pub(crate) const MAX_LENGTH: usize = 8 * 1024;

/// More members than this in one object are refused.
const MAX_MEMBERS: usize = 64;

/// Header members that would let the sender choose the key or the rules (RFC 8725 §3.10).
const REFUSED: [&str; 6] = ["crit", "jku", "jwk", "x5u", "x5c", "b64"];

/// Why a text is no JWS that we would even check the signature of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Longer than anything we sign or accept.
    #[error("the token is longer than {MAX_LENGTH} characters")]
    TooLong,
    /// Not three parts of base64url without padding.
    #[error("this is not a signed token: expected three base64url parts without padding, separated by dots")]
    NotCompact,
    /// A part is not one JSON object with the members it must have.
    #[error("the token's {part} is not a JSON object with the members it needs")]
    Json {
        /// `header` or `payload`.
        part: &'static str,
    },
    /// A member occurs twice: two readers could see two different tokens.
    #[error("the token's {part} has a member twice")]
    Repeated {
        /// `header` or `payload`.
        part: &'static str,
    },
    /// A header member that would let the sender choose the key or the rules.
    #[error("the token's header has `{member}`, which is never accepted here")]
    Refused {
        /// Which one.
        member: &'static str,
    },
}

/// A text of the right shape; nothing in it is known to be true.
#[derive(Clone, Copy)]
pub(crate) struct Compact<'a> {
    signed: &'a str,
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Compact<'a> {
    /// Spec: RFC 7515 §7.1
    pub(crate) fn split(text: &'a str) -> Result<Self, JwsError> {
        if text.len() > MAX_LENGTH {
            return Err(JwsError::TooLong);
        }
        // Without a branch, so that the compiler looks at many bytes at once.
        let base64url = |b: u8| b.is_ascii_alphanumeric() | (b == b'-') | (b == b'_') | (b == b'.');
        let (signed, signature) = text.rsplit_once('.').ok_or(JwsError::NotCompact)?;
        let (header, payload) = signed.split_once('.').ok_or(JwsError::NotCompact)?;
        let whole = [header, payload, signature].iter().all(|part| !part.is_empty());
        if !whole || payload.contains('.') || !text.bytes().fold(true, |plain, b| plain & base64url(b)) {
            return Err(JwsError::NotCompact);
        }
        Ok(Self { signed, header, payload, signature })
    }

    /// Spec: RFC 7515 §4 (members are unique) and §4.1.11 (`crit`)
    pub(crate) fn header(&self) -> Result<Header, JwsError> {
        self.header_with(None).map(|(header, _)| header)
    }

    /// The header of a text that brings its own key, and that key. Nothing is proved by it but that whoever signed holds the
    /// other half.
    ///
    /// Spec: RFC 9449 §4.2 (`jwk`)
    pub(crate) fn header_with_key(&self) -> Result<(Header, Map<String, Value>), JwsError> {
        let (header, bytes) = self.header_with(Some("jwk"))?;
        let jwk = serde_json::from_slice(&bytes).map(|Bringing { jwk: Unique(jwk) }| jwk);
        Ok((header, jwk.map_err(|_| JwsError::Json { part: "header" })?))
    }

    fn header_with(&self, allowed: Option<&str>) -> Result<(Header, Vec<u8>), JwsError> {
        let bytes = decode(self.header)?;
        let members = members(&bytes, "header")?;
        match REFUSED.into_iter().find(|name| members.has(name) && allowed != Some(name)) {
            Some(member) => Err(JwsError::Refused { member }),
            None => {
                let header = serde_json::from_slice(&bytes).map_err(|_| JwsError::Json { part: "header" })?;
                Ok((header, bytes))
            }
        }
    }

    /// Is the signature of this key? The algorithm is the key's own; the header has no say here.
    pub(crate) fn signed_by(&self, key: &ParsedPublicKey) -> Result<Signed<'a>, NotSigned> {
        let signature = decode(self.signature).map_err(|_| NotSigned)?;
        key.verify_sig(self.signed.as_bytes(), &signature).map_err(|_| NotSigned)?;
        Ok(Signed(self.payload))
    }

    /// The payload without any proof; use it only to find out which key to ask for.
    pub(crate) fn unverified<T: DeserializeOwned>(&self) -> Result<T, JwsError> {
        Signed(self.payload).claims().map(|(claims, _)| claims)
    }
}

/// What a header may tell us.
#[derive(Debug, Deserialize)]
pub(crate) struct Header {
    /// The algorithm the sender names; compared with the key's, never obeyed.
    pub(crate) alg: String,
    /// The kind of token.
    pub(crate) typ: Option<String>,
    /// Which of the keys we hold.
    pub(crate) kid: Option<String>,
}

impl Header {
    /// Is `typ` the media type `name`, written with or without `application/`?
    ///
    /// Spec: RFC 7515 §4.1.9, RFC 8725 §3.11
    pub(crate) fn is_type(&self, name: &str) -> bool {
        let typ = self.typ.as_deref().unwrap_or_default();
        let bare = match typ.get(..12) {
            Some(prefix) if prefix.eq_ignore_ascii_case("application/") => &typ[12..],
            _ => typ,
        };
        bare.eq_ignore_ascii_case(name)
    }
}

/// A header with the key of its sender.
#[derive(Deserialize)]
struct Bringing {
    jwk: Unique,
}

/// An object each of whose members is there once, so that no two readers see two keys.
struct Unique(Map<String, Value>);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Unique;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
                let mut object = Map::new();
                while let Some((name, value)) = map.next_entry()? {
                    if object.len() == MAX_MEMBERS || object.insert(name, value).is_some() {
                        return Err(serde::de::Error::custom("a member is there twice, or there are too many"));
                    }
                }
                Ok(Unique(object))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// The signature is not the key's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotSigned;

/// A payload whose signature holds.
#[derive(Clone, Copy)]
pub(crate) struct Signed<'a>(&'a str);

impl Signed<'_> {
    /// The claims and the names of all members.
    pub(crate) fn claims<T: DeserializeOwned>(&self) -> Result<(T, Members), JwsError> {
        let bytes = decode(self.0)?;
        let members = members(&bytes, "payload")?;
        let claims = serde_json::from_slice(&bytes).map_err(|_| JwsError::Json { part: "payload" })?;
        Ok((claims, members))
    }
}

/// The token of `claims` under `key`.
///
/// Spec: RFC 7515 §5.1
pub(crate) fn sign(key: &SigningKey, typ: &str, claims: &impl Serialize) -> Result<String, KeyError> {
    // `typ` is ours and `kid` is base64url: neither needs escaping.
    sign_under(key, &format!(r#"{{"typ":"{typ}","alg":"ES256","kid":"{}"}}"#, key.kid()), claims)
}

/// The same under a header of the caller's own.
pub(crate) fn sign_under(key: &SigningKey, header: &str, claims: &impl Serialize) -> Result<String, KeyError> {
    let payload = serde_json::to_vec(claims).map_err(|_| KeyError::Sign)?;
    let mut text = String::with_capacity((header.len() + payload.len()) * 4 / 3 + 96);
    BASE64_URL_SAFE_NO_PAD.encode_string(header, &mut text);
    text.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(payload, &mut text);
    let signature = key.sign(text.as_bytes())?;
    text.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut text);
    Ok(text)
}

/// Refuses padding and left-over bits, so that one token has one text.
fn decode(part: &str) -> Result<Vec<u8>, JwsError> {
    BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsError::NotCompact)
}

/// The names of an object's members, each once.
pub(crate) struct Members(Vec<String>);

impl Members {
    /// Is there one of this name?
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|member| member == name)
    }
}

fn members(json: &[u8], part: &'static str) -> Result<Members, JwsError> {
    let mut names: Vec<String> =
        serde_json::from_slice(json).map(|Names(names)| names).map_err(|_| JwsError::Json { part })?;
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(JwsError::Repeated { part });
    }
    Ok(Members(names))
}

struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
                let mut names = Vec::with_capacity(12);
                while let Some((name, IgnoredAny)) = map.next_entry()? {
                    if names.len() == MAX_MEMBERS {
                        return Err(serde::de::Error::custom("too many members"));
                    }
                    names.push(name);
                }
                Ok(Names(names))
            }
        }
        deserializer.deserialize_map(Object)
    }
}
