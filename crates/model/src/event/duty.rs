//! Approving in the name of another person: handed over, ended.

use schemars::JsonSchema;
use serde::Serialize;
use serde_with::skip_serializing_none;

use super::Text;
use crate::{Duty, DutyEnd, Id, Person, Server, Timestamp};

/// Whose duty, and who decides in whose name.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DutyOf {
    /// Which.
    pub duty: Id<Duty>,
    /// In whose name.
    pub from: Id<Person>,
    /// Who decides.
    pub to: Id<Person>,
    /// For requests of this server alone.
    pub server: Option<Id<Server>>,
}

/// An approver handed approving to another person.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DutyDelegated {
    /// Which.
    #[serde(flatten)]
    pub of: DutyOf,
    /// Its end at the latest.
    pub until: Text<Timestamp>,
    /// The same in microseconds since 1970.
    pub not_after: i64,
}

/// That ended.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DutyEnded {
    /// Which.
    #[serde(flatten)]
    pub of: DutyOf,
    /// What ended it.
    pub cause: DutyEnd,
}

impl DutyOf {
    /// `duty`.
    pub fn of(duty: &Duty) -> Self {
        Self { duty: duty.id.clone(), from: duty.from.clone(), to: duty.to.clone(), server: duty.server.clone() }
    }
}

impl DutyDelegated {
    /// `duty`.
    pub fn of(duty: &Duty) -> Self {
        Self { of: DutyOf::of(duty), until: duty.not_after.into(), not_after: duty.not_after.micros() }
    }
}

impl DutyEnded {
    /// `duty` is over, because of `cause`.
    pub fn of(duty: &Duty, cause: DutyEnd) -> Self {
        Self { of: DutyOf::of(duty), cause }
    }
}
