//! The life of an elevation: asked for, decided, used, ended.

use schemars::JsonSchema;
use serde::Serialize;
use serde_with::skip_serializing_none;

use super::Text;
use crate::{
    Agent, AskedCall, Elevation, ElevationState, ExactCall, Grant, Id, Latitude, Person, Scope, Server, StepUp, Task,
    Tier, Timestamp,
};

/// Which elevation, and who is in it.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ElevationOf {
    /// The elevation.
    pub elevation: Id<Elevation>,
    /// The grant.
    pub grant: Id<Grant>,
    /// The agent.
    pub agent: Id<Agent>,
    /// The person it acts for; none for an autonomous agent.
    pub person: Option<Id<Person>>,
    /// The server.
    pub server: Id<Server>,
    /// The one scope that it adds.
    pub scope: Scope,
    /// The one call that it is good for; any of its scope when there is none.
    pub call: Option<CallOf>,
    /// How much harm that can do.
    pub tier: Tier,
    /// Who has to say yes.
    pub by: StepUp,
    /// Why it is asked for, in the words of whoever asks.
    pub reason: String,
    /// The task that it belongs to, and with which it ends.
    pub task: Option<Id<Task>>,
    /// How to stop that task.
    pub stop: Option<String>,
}

/// One exact call.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CallOf {
    /// The asked call, as the refusals that left it name it.
    pub asked: Id<AskedCall>,
    /// SHA-256 of the accepted definition of its tool.
    pub definition: Option<String>,
    /// A salted commitment to the canonical JSON of its arguments.
    pub arguments: String,
}

/// An elevation was asked for.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ElevationRequested {
    /// Which.
    #[serde(flatten)]
    pub of: ElevationOf,
    /// Calls it is good for.
    pub max_uses: u32,
    /// How long it lasts once approved, in seconds.
    pub lasts: u64,
    /// How many people must approve, when one is not enough.
    pub approvals: Option<u32>,
    /// Whoever approves has to type the number that whoever asked sees.
    pub number_matching: Option<bool>,
}

/// One of several people who must approve did, and others have to as well: it is not in force yet.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ApprovalGiven {
    /// Of which elevation.
    #[serde(flatten)]
    pub of: ElevationOf,
    /// Who said yes.
    pub decided_by: Id<Person>,
    /// In whose name, when it was handed to them.
    pub in_name_of: Option<Id<Person>>,
    /// Which one that is.
    pub approval: u32,
    /// Of how many.
    pub approvals: u32,
    /// Everybody whose approval counts now, with this one.
    pub approvers: Vec<Id<Person>>,
    /// For how long at the most, in seconds.
    pub lasts: u64,
}

/// An elevation was approved or consented to, and is in force.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ElevationApproved {
    /// Which.
    #[serde(flatten)]
    pub of: ElevationOf,
    /// Who said yes; the last of them, when several had to.
    pub decided_by: Id<Person>,
    /// In whose name, when it was handed to them.
    pub in_name_of: Option<Id<Person>>,
    /// How many had to, when one was not enough.
    pub approvals: Option<u32>,
    /// All of them, when one was not enough.
    pub approvers: Option<Vec<Id<Person>>>,
    /// Its end.
    pub until: Text<Timestamp>,
    /// Calls it is good for.
    pub max_uses: u32,
    /// What of the call may differ, where its approver allowed that.
    pub may_differ: Option<MayDiffer>,
    /// How long that is, in seconds.
    pub lasts: u64,
}

/// Which arguments of an approved call may differ. What they are is in no record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MayDiffer {
    /// Those that may be anything, or absent.
    pub any: Vec<String>,
    /// Those that may be less.
    pub at_most: Vec<String>,
}

impl MayDiffer {
    /// What `latitude` lets vary.
    pub fn of(latitude: &Latitude) -> Self {
        Self { any: latitude.any.iter().cloned().collect(), at_most: latitude.at_most.keys().cloned().collect() }
    }
}

/// An elevation was denied.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ElevationDenied {
    /// Which.
    #[serde(flatten)]
    pub of: ElevationOf,
    /// Who said no.
    pub decided_by: Id<Person>,
    /// In whose name, when it was handed to them.
    pub in_name_of: Option<Id<Person>>,
    /// Why, when nobody said no.
    pub cause: Option<DenialCause>,
}

/// Whoever was to approve typed another number than the one that whoever asked sees.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ApprovalNumberWrong {
    /// Of which elevation.
    #[serde(flatten)]
    pub of: ElevationOf,
    /// Who typed it.
    pub decided_by: Id<Person>,
    /// The how many-th wrong number for this request.
    pub wrong: u32,
}

/// Why an elevation was denied, when nobody said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DenialCause {
    /// Too many wrong numbers were typed.
    WrongNumbers,
}

/// An elevation ended, whoever or whatever ended it.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ElevationEnded {
    /// The elevation.
    pub elevation: Id<Elevation>,
    /// The grant.
    pub grant: Id<Grant>,
    /// The one scope that it added.
    pub scope: Scope,
    /// What ended it.
    pub cause: ElevationEnd,
    /// Calls that were made under it.
    pub uses: u32,
    /// The task that it belonged to.
    pub task: Option<Id<Task>>,
}

/// A use of an elevation was given back, because the call that took it never left.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ElevationUseReturned {
    /// The elevation.
    pub elevation: Id<Elevation>,
    /// The grant.
    pub grant: Id<Grant>,
    /// The one scope that it adds.
    pub scope: Scope,
    /// The call: the `request` of its other records.
    pub request: String,
    /// Where the elevation stands now.
    pub state: ElevationState,
    /// Calls that count as made under it now.
    pub uses: u32,
}

/// What ended an elevation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ElevationEnd {
    /// Its time was over.
    TimeOver,
    /// It was not used for too long.
    Idle,
    /// The task that it belongs to ended.
    TaskEnded,
    /// Nobody decided in time.
    NotDecided,
    /// Its last use was taken.
    UsedUp,
    /// A person or the operator ended it.
    ByHand,
    /// Its grant ended.
    GrantEnded,
    /// Somebody who approved it may not approve any more, and it was asked for anew.
    ApproverGone,
    /// A revocation covers it: it was refused from then on, and this was written down afterwards.
    Revoked,
}

impl CallOf {
    /// As the log has it.
    pub fn of(call: &ExactCall) -> Self {
        Self { asked: call.asked.clone(), definition: call.definition.clone(), arguments: call.arguments.clone() }
    }
}

impl ElevationEnded {
    /// `elevation` is over, because of `cause`.
    pub fn of(elevation: &Elevation, cause: ElevationEnd) -> Self {
        let uses = elevation.uses();
        let Elevation { id, grant, scope, ends_with, .. } = elevation.clone();
        Self { elevation: id, grant, scope, cause, uses, task: ends_with.task }
    }
}

impl ElevationOf {
    /// `elevation`, which belongs to `grant`.
    pub fn of(elevation: &Elevation, grant: &Grant) -> Self {
        Self {
            elevation: elevation.id.clone(),
            grant: grant.id.clone(),
            agent: grant.agent.clone(),
            person: grant.person.clone(),
            server: grant.server.clone(),
            scope: elevation.scope.clone(),
            call: elevation.call.as_ref().map(CallOf::of),
            tier: elevation.scope.tier(),
            by: elevation.by,
            reason: elevation.reason.clone(),
            task: elevation.ends_with.task.clone(),
            stop: elevation.ends_with.task.as_ref().map(Task::stop_of),
        }
    }
}

impl ElevationUseReturned {
    /// `elevation`, as it stands after the use that `request` took came back.
    pub fn of(elevation: &Elevation, request: &str) -> Self {
        let (state, uses) = (elevation.state(), elevation.uses());
        let Elevation { id, grant, scope, .. } = elevation.clone();
        Self { elevation: id, grant, scope, request: request.to_owned(), state, uses }
    }
}
