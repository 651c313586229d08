//! The kill switch.

use schemars::JsonSchema;
use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::{Target, TargetKind};

/// The kill switch was turned.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Revoked {
    /// What kind of thing.
    pub target: TargetKind,
    /// Which one; empty for `all`.
    pub name: String,
    /// Why, in the words of whoever did it.
    pub reason: String,
    /// Grants that it ended, in records of early builds, which wrote the ends together with the revocation.
    pub grants_ended: Option<u64>,
}

/// What a revocation ended was written down, page by page; it was refused before, from the revocation on.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct EndsWritten {
    /// What kind of thing was revoked.
    pub target: TargetKind,
    /// Which one; empty for `all`.
    pub name: String,
    /// Whether this was the last page.
    pub complete: bool,
    /// Grants, from the first page on.
    pub grants_ended: u64,
    /// Elevations apart from those of the grants, from the first page on.
    pub elevations_ended: u64,
}

/// A block was lifted.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Restored {
    /// What kind of thing.
    pub target: TargetKind,
    /// Which one; empty for `all`.
    pub name: String,
    /// Why, in the words of whoever did it.
    pub reason: String,
}

impl Revoked {
    /// Of `target`.
    pub fn of(target: &Target, reason: String) -> Self {
        Self { target: target.kind(), name: target.name(), reason, grants_ended: None }
    }
}

impl Restored {
    /// Of `target`.
    pub fn of(target: &Target, reason: String) -> Self {
        Self { target: target.kind(), name: target.name(), reason }
    }
}
