//! The number under which the log has a fault; shown to people and clients instead of the fault's text.

use std::fmt;

/// The number under which the log has a fault; shown to the person instead of the fault's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident(String);

impl Incident {
    /// A new one.
    pub fn mint() -> Self {
        let bytes: [u8; 6] = crypto::random();
        let digits: Vec<String> =
            bytes.chunks(2).map(|pair| pair.iter().map(|b| format!("{b:02x}")).collect()).collect();
        Self(digits.join("-"))
    }

    /// The number, such as `3fa1-09bc-77d2`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Incident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
