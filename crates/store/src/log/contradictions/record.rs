//! One record of the log, as the kinds of things that stand listen to it.

use model::Timestamp;
use serde_json::Value;

use super::contradiction::Contradiction;

/// A log that begins with this in `names` has a record of every one of these that was ever added.
pub(crate) const NAMES: &str = "agents people";

/// One record of the log.
pub(super) struct Record {
    pub(super) index: u64,
    /// When it was made: also the time in the rows that were changed with it.
    pub(super) at: Timestamp,
    /// When the record before it was made.
    pub(super) before: Timestamp,
    pub(super) fields: Value,
}

impl Record {
    /// The stable word of what happened.
    pub(super) fn event(&self) -> &str {
        self.fields["event"].as_str().unwrap_or_default()
    }

    /// A field that is a text; empty when there is none.
    pub(super) fn text(&self, field: &str) -> String {
        self.optional(field).unwrap_or_default()
    }

    /// A field that is a text.
    pub(super) fn optional(&self, field: &str) -> Option<String> {
        self.fields[field].as_str().map(ToOwned::to_owned)
    }

    pub(super) fn has(&self, field: &str) -> bool {
        self.fields.get(field).is_some()
    }
}

/// Does something stand that the log put in force and did not end? The contradiction, when it does not.
pub(super) fn in_force<T>(begun: Option<&T>, ended: Option<u64>, what: &str, found: &mut Vec<Contradiction>) -> bool {
    match (begun, ended) {
        (None, _) => found.push(Contradiction::Unaccounted { what: what.to_owned() }),
        (_, Some(record)) => found.push(Contradiction::Ended { what: what.to_owned(), record }),
        (Some(_), None) => return true,
    }
    false
}
