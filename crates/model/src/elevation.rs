//! Elevations: time-boxed, use-counted privilege above the baseline.
//!
//! requested → active → ended, or requested → denied. There is no way back and no renewal:
//! the next need is the next request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Grant, Id, Scope, Span, StepUp, Timestamp, id::Minted, text_enum};

/// Privilege above the baseline, for a while and for a number of calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elevation {
    /// Its id.
    pub id: Id<Elevation>,
    /// The grant it belongs to and ends with.
    pub grant: Id<Grant>,
    /// The one scope it adds.
    pub scope: Scope,
    /// Who has to say yes.
    pub by: StepUp,
    /// Where it stands.
    pub state: ElevationState,
    /// Why it is asked for, in the words of the person or the agent's purpose.
    pub reason: String,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Nobody decided until then: it lapses.
    pub decide_before: Timestamp,
    /// Who decided: the id of a person.
    pub decided_by: Option<String>,
    /// When that was.
    pub decided_at: Option<Timestamp>,
    /// How long it lasts once active.
    pub lasts: Span,
    /// The end of an active elevation.
    pub not_after: Option<Timestamp>,
    /// Calls it is good for.
    pub max_uses: u32,
    /// Calls made.
    pub uses: u32,
}

impl Minted for Elevation {
    const PREFIX: &'static str = "elv";
}

impl Elevation {
    /// May one more call be made under it at `now`?
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.state == ElevationState::Active && self.not_after.is_some_and(|end| now < end) && self.uses < self.max_uses
    }

    /// Is it still waiting for a decision at `now`?
    pub fn is_pending(&self, now: Timestamp) -> bool {
        self.state == ElevationState::Requested && now < self.decide_before
    }
}

/// Where an elevation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ElevationState {
    /// Waits for a decision.
    Requested,
    /// In force until its end or its last use.
    Active,
    /// Over: expired, used up, ended by hand or with its grant.
    Ended,
    /// Somebody said no.
    Denied,
}

text_enum!(ElevationState {
    Requested => "requested",
    Active => "active",
    Ended => "ended",
    Denied => "denied",
});
