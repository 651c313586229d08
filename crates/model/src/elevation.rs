//! Elevations: time-boxed, use-counted privilege above the baseline.
//!
//! requested → active → ended, or requested → denied. There is no way back and no renewal:
//! the next need is the next request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ExactCall, Grant, Id, Quorum, Scope, Span, StepUp, Task, Timestamp, Yes, id::Minted, text_enum};

/// Privilege above the baseline, for a while and for a number of calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Flat", into = "Flat")]
pub struct Elevation {
    /// Its id.
    pub id: Id<Elevation>,
    /// The grant it belongs to and ends with.
    pub grant: Id<Grant>,
    /// The one scope it adds.
    pub scope: Scope,
    /// The one call of that scope it is good for; any when there is none.
    pub call: Option<ExactCall>,
    /// Who has to say yes.
    pub by: StepUp,
    /// How many of them, and who has so far.
    pub quorum: Quorum,
    /// Why it is asked for, in the words of the person or the agent's purpose.
    pub reason: String,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Nobody decided until then: it lapses.
    pub decide_before: Timestamp,
    /// How long it lasts once active.
    pub lasts: Span,
    /// Calls it is good for.
    pub max_uses: u32,
    /// What ends it besides its time and its uses.
    pub ends_with: EndsWith,
    /// Where it stands, with all that is known there.
    pub stage: Stage,
}

/// What ends an elevation besides its time and its uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndsWith {
    /// The task that it belongs to. Without one it is a task of its own.
    pub task: Option<Id<Task>>,
    /// It ends when it was not used for so long.
    pub idle: Option<Span>,
    /// When that is, once it is in force.
    pub idle_until: Option<Timestamp>,
}

/// Where an elevation stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waits for a decision.
    Requested,
    /// In force until its end or its last use.
    Active(Approval),
    /// Over: expired, used up, ended by hand or with its grant. `None`: nobody had approved it.
    Ended(Option<Approval>),
    /// Somebody said no.
    Denied(Decided),
}

/// Who decided, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The id of a person.
    pub by: String,
    /// When that was.
    pub at: Timestamp,
}

/// A yes, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Who said so, and when.
    pub decided: Decided,
    /// Its end.
    pub not_after: Timestamp,
    /// Calls made.
    pub uses: u32,
}

impl Minted for Elevation {
    const PREFIX: &'static str = "elv";
}

impl Elevation {
    /// May one more call be made under it at `now`?
    pub fn is_live(&self, now: Timestamp) -> bool {
        matches!(&self.stage, Stage::Active(approval) if now < approval.not_after && approval.uses < self.max_uses)
            && self.ends_with.idle_until.is_none_or(|until| now < until)
    }

    /// Is it still waiting for a decision at `now`?
    pub fn is_pending(&self, now: Timestamp) -> bool {
        self.stage == Stage::Requested && now < self.decide_before
    }

    /// Where it stands, in a word.
    pub fn state(&self) -> ElevationState {
        match self.stage {
            Stage::Requested => ElevationState::Requested,
            Stage::Active(_) => ElevationState::Active,
            Stage::Ended(_) => ElevationState::Ended,
            Stage::Denied(_) => ElevationState::Denied,
        }
    }

    /// Who decided, whichever way, and when.
    pub fn decided(&self) -> Option<&Decided> {
        match &self.stage {
            Stage::Denied(decided) => Some(decided),
            _ => self.approval().map(|approval| &approval.decided),
        }
    }

    /// Everybody whose approval it rests on, or will once there are enough of them.
    pub fn approvers(&self) -> Vec<Yes> {
        if !self.quorum.given.is_empty() || self.by == StepUp::Consent {
            return self.quorum.given.clone();
        }
        let decided = self.approval().map(|approval| &approval.decided);
        let alone = decided.and_then(|decided| {
            let by = decided.by.parse().ok()?;
            Some(Yes { by, at: decided.at, lasts: self.lasts, duty: None })
        });
        alone.into_iter().collect()
    }

    /// The yes, when there was one.
    pub fn approval(&self) -> Option<&Approval> {
        match &self.stage {
            Stage::Active(approval) | Stage::Ended(Some(approval)) => Some(approval),
            Stage::Requested | Stage::Ended(None) | Stage::Denied(_) => None,
        }
    }

    /// The end of one that was approved.
    pub fn not_after(&self) -> Option<Timestamp> {
        self.approval().map(|approval| approval.not_after)
    }

    /// Calls made.
    pub fn uses(&self) -> u32 {
        self.approval().map_or(0, |approval| approval.uses)
    }
}

impl Stage {
    /// From what is known, as a row or a JSON object has it side by side.
    ///
    /// # Errors
    /// What can not be known together, in words.
    pub fn of(
        state: ElevationState,
        decided: Option<Decided>,
        not_after: Option<Timestamp>,
        uses: u32,
    ) -> Result<Self, &'static str> {
        match (state, decided, not_after) {
            (ElevationState::Requested, None, None) if uses == 0 => Ok(Self::Requested),
            (ElevationState::Ended, None, None) if uses == 0 => Ok(Self::Ended(None)),
            (ElevationState::Denied, Some(decided), None) if uses == 0 => Ok(Self::Denied(decided)),
            (ElevationState::Active, Some(decided), Some(not_after)) => {
                Ok(Self::Active(Approval { decided, not_after, uses }))
            }
            (ElevationState::Ended, Some(decided), Some(not_after)) => {
                Ok(Self::Ended(Some(Approval { decided, not_after, uses })))
            }
            (ElevationState::Requested, ..) => Err("it waits for a decision, and has one"),
            (ElevationState::Active, ..) => Err("it is in force, and nobody decided so, or it has no end"),
            (ElevationState::Ended, ..) => Err("it is over, and half of a decision is there"),
            (ElevationState::Denied, ..) => Err("it was denied, and by nobody, or was in force"),
        }
    }
}

/// Where an elevation stands, in a word.
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

/// An elevation as scripts read it: what is not known is `null`.
#[derive(Serialize, Deserialize)]
struct Flat {
    id: Id<Elevation>,
    grant: Id<Grant>,
    scope: Scope,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    call: Option<ExactCall>,
    by: StepUp,
    #[serde(default, skip_serializing_if = "Quorum::is_of_one")]
    approvals: Quorum,
    state: ElevationState,
    reason: String,
    requested_at: Timestamp,
    decide_before: Timestamp,
    decided_by: Option<String>,
    decided_at: Option<Timestamp>,
    lasts: Span,
    not_after: Option<Timestamp>,
    max_uses: u32,
    uses: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task: Option<Id<Task>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idle: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idle_until: Option<Timestamp>,
}

impl From<Elevation> for Flat {
    fn from(elevation: Elevation) -> Self {
        let (decided_by, decided_at) = elevation.decided().map(|decided| (decided.by.clone(), decided.at)).unzip();
        let (state, not_after, uses) = (elevation.state(), elevation.not_after(), elevation.uses());
        let Elevation {
            id,
            grant,
            scope,
            call,
            by,
            quorum: approvals,
            reason,
            requested_at,
            decide_before,
            lasts,
            max_uses,
            ends_with,
            ..
        } = elevation;
        let EndsWith { task, idle, idle_until } = ends_with;
        Self {
            id,
            grant,
            scope,
            call,
            by,
            approvals,
            state,
            reason,
            requested_at,
            decide_before,
            decided_by,
            decided_at,
            lasts,
            not_after,
            max_uses,
            uses,
            task,
            idle,
            idle_until,
        }
    }
}

impl TryFrom<Flat> for Elevation {
    type Error = &'static str;

    fn try_from(flat: Flat) -> Result<Self, &'static str> {
        let decided = flat.decided_by.zip(flat.decided_at).map(|(by, at)| Decided { by, at });
        Ok(Self {
            stage: Stage::of(flat.state, decided, flat.not_after, flat.uses)?,
            id: flat.id,
            grant: flat.grant,
            scope: flat.scope,
            call: flat.call,
            by: flat.by,
            quorum: flat.approvals,
            reason: flat.reason,
            requested_at: flat.requested_at,
            decide_before: flat.decide_before,
            lasts: flat.lasts,
            max_uses: flat.max_uses,
            ends_with: EndsWith { task: flat.task, idle: flat.idle, idle_until: flat.idle_until },
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn flat(state: &str, decided: bool, not_after: bool, uses: u32) -> serde_json::Value {
        json!({
            "id": "elv_1", "grant": "grt_1", "scope": "tickets.delete_ticket", "by": "approval", "state": state,
            "reason": "a spill", "requested_at": Timestamp::default(), "decide_before": Timestamp::default(),
            "decided_by": decided.then_some("bob"), "decided_at": decided.then_some(Timestamp::default()),
            "lasts": Span::from_seconds(60), "not_after": not_after.then_some(Timestamp::default()), "max_uses": 2,
            "uses": uses,
        })
    }

    #[test]
    fn every_stage_reads_back_as_scripts_know_it() {
        for (state, decided, not_after, uses) in [
            ("requested", false, false, 0),
            ("active", true, true, 1),
            ("ended", true, true, 2),
            ("ended", false, false, 0),
            ("denied", true, false, 0),
        ] {
            let said = flat(state, decided, not_after, uses);
            let read: Elevation = serde_json::from_value(said.clone()).unwrap();
            assert_eq!(serde_json::to_value(&read).unwrap(), said);
            assert_eq!(read.state().as_str(), state);
        }
    }

    #[test]
    fn what_can_not_be_known_together_is_no_elevation() {
        for (state, decided, not_after, uses) in [
            ("requested", true, false, 0),
            ("requested", false, true, 0),
            ("active", false, true, 0),
            ("active", true, false, 0),
            ("ended", true, false, 0),
            ("ended", false, true, 0),
            ("denied", false, false, 0),
            ("denied", true, true, 1),
        ] {
            let read = serde_json::from_value::<Elevation>(flat(state, decided, not_after, uses));
            assert!(read.is_err(), "{state} {decided} {not_after} {uses}");
        }
    }
}
