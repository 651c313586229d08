//! What a server says of a tool or a prompt, and whether somebody has accepted that.

use schemars::JsonSchema;
use serde::Serialize;

use crate::text_enum;

/// What is known of the definition behind a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pin {
    /// What the server listed last is what was accepted.
    Accepted,
    /// The server listed nothing of that name.
    Unknown,
    /// Nothing of that name was ever accepted.
    New,
    /// Something else was accepted.
    Changed,
}

/// How what a server lists differs from what was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sighting {
    /// Nothing of that name was ever accepted.
    New,
    /// Something else was accepted.
    Changed,
    /// It is again what was accepted.
    Back,
}

text_enum!(Sighting { New => "new", Changed => "changed", Back => "back" });
