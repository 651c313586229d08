//! Headers that repeat the body: one value each, and what a header cannot carry in base64.
//!
//! Spec: SEP-2243 (value encoding).

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderValue};

use super::not_spoken::NotSpoken;

/// Names the revision.
pub const VERSION: &str = "mcp-protocol-version";
/// Repeats the method (2026-07-28).
pub const METHOD: &str = "mcp-method";
/// Repeats what the method acts on (2026-07-28).
pub const NAME: &str = "mcp-name";
/// Begins the names of headers that repeat arguments (2026-07-28).
pub const PARAM: &str = "mcp-param-";

/// The one value of a header, without the white space around it.
pub(crate) fn single<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, NotSpoken> {
    let mismatch = |what: &str| NotSpoken::HeaderMismatch(format!("the header {name} {what}"));
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(mismatch("occurs twice"));
    }
    value.to_str().map(|text| Some(text.trim_matches([' ', '\t']))).map_err(|_| mismatch("has invalid characters"))
}

/// What a value says; `None` when it is not valid base64 of UTF-8 text.
pub(crate) fn decoded(value: &str) -> Option<String> {
    match value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) {
        Some(encoded) => BASE64_STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok()),
        None => Some(value.to_owned()),
    }
}

/// Plain where a header can carry it, `=?base64?…?=` otherwise.
pub(crate) fn encoded(text: &str) -> Option<HeaderValue> {
    let plain =
        text.bytes().all(|b| (0x20..0x7f).contains(&b)) && text.trim() == text && !text.starts_with("=?base64?");
    if plain {
        return HeaderValue::from_str(text).ok();
    }
    HeaderValue::try_from(format!("=?base64?{}?=", BASE64_STANDARD.encode(text))).ok()
}
