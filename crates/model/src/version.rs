//! What decides, by its digest: every version of the policies and of the configuration is kept, and one of each is active.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, text_enum};

/// What there are versions of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionKind {
    /// The policies, the built-in ones and the schema among them.
    Policy,
    /// What the file sets for the whole installation, without its secrets.
    Configuration,
}

text_enum!(VersionKind { Policy => "policy", Configuration => "configuration" });

/// One version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Of what.
    pub kind: VersionKind,
    /// Its digest, as records of decisions name it.
    pub digest: String,
    /// What it says.
    pub text: String,
    /// When it was first loaded.
    pub loaded_at: Timestamp,
}
