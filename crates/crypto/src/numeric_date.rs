//! Times in signed claims.
//!
//! Spec: RFC 7519 §2 (`NumericDate`).

use serde::{Deserialize, Deserializer};

/// A `NumericDate`; some clients write fractions, which are cut off.
///
/// Spec: RFC 7519 §2
pub(crate) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    let whole = |date: f64| (date.abs() < 1e12).then(|| date.floor() as i64);
    number
        .as_i64()
        .or_else(|| number.as_f64().and_then(whole))
        .ok_or_else(|| serde::de::Error::custom("a date is a number of seconds"))
}

/// The same of a claim that need not be there.
pub(crate) fn maybe_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    seconds(deserializer).map(Some)
}
