//! One thing that `check` looked at, and how it stands.

use serde::Serialize;

/// How a finding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// As it should be.
    Ok,
    /// It works, and somebody should know.
    Warning,
    /// It does not work.
    Failure,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// How it stands.
    pub grade: Grade,
    /// What was looked at: a place of the file, mostly.
    pub what: String,
    /// What was found, and what to do.
    pub says: String,
}

/// As it should be.
pub fn ok(what: impl Into<String>, says: impl Into<String>) -> Finding {
    Finding { grade: Grade::Ok, what: what.into(), says: says.into() }
}

/// It works, and somebody should know.
pub fn warning(what: impl Into<String>, says: impl Into<String>) -> Finding {
    Finding { grade: Grade::Warning, what: what.into(), says: says.into() }
}

/// It does not work.
pub fn failure(what: impl Into<String>, says: impl Into<String>) -> Finding {
    Finding { grade: Grade::Failure, what: what.into(), says: says.into() }
}
