//! The installation itself: its log, its keys, its file, its clock.

use schemars::JsonSchema;
use serde::Serialize;
use serde_with::skip_serializing_none;

use super::Text;
use crate::Timestamp;

/// The log began; the first record of every installation.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LogStarted {
    /// The name of the log in its checkpoints.
    pub origin: String,
    /// `all` when every person and every agent is named by a record, from the first one on.
    pub names: Option<&'static str>,
}

/// The configuration's people, agents and servers were written to the store.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ConfigurationApplied {
    /// How many people it declares.
    pub people: u64,
    /// How many agents it declares.
    pub agents: u64,
    /// How many servers it declares.
    pub servers: u64,
    /// SHA-256 over every setting, with secrets digested.
    pub digest: String,
    /// Settings that were not there at the last start.
    pub added: Option<String>,
    /// Settings that have another value.
    pub changed: Option<String>,
    /// Settings that are gone.
    pub removed: Option<String>,
}

/// Other policies than before are in force.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PolicyLoaded {
    /// SHA-256 over the schema and every file, the built-in one among them: the `policy` of decisions.
    pub digest: String,
    /// The same of those before; none the first time.
    pub before: Option<String>,
    /// The names of the files, without their folders.
    pub files: Vec<String>,
}

/// A signing key was made.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct KeyMade {
    /// Its `kid`.
    pub key: String,
    /// What it signs: `access`.
    pub purpose: &'static str,
    /// From when on; at once when absent.
    pub signs_from: Option<Text<Timestamp>>,
    /// When nothing that the keys before it signed is believed any more.
    pub old_gone_at: Option<Text<Timestamp>>,
    /// How many keys it replaces.
    pub retired: Option<u64>,
}

/// After a clock that ran ahead, time went back to where it is; what was given later than that has ended.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ClockAccepted {
    /// The latest time that was ever written.
    pub was: Text<Timestamp>,
    /// Why, in the words of whoever did it.
    pub reason: String,
    /// Grants that were made later than now.
    pub grants_ended: u64,
    /// Installations that were made or refreshed later than now.
    pub installations_ended: u64,
    /// Elevations: all that waited or were in force. This record stands for the end of each.
    pub elevations_ended: u64,
    /// Sessions.
    pub sessions_ended: u64,
}
