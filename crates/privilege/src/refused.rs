//! Why a change of privilege was not made.

use std::{error::Error, fmt};

use catalogue::SchemaError;
use model::{
    AgentState, Duty, Elevation, ElevationState, Exception, Grant, Id, Installation, Person, Span, Target, Task,
    Timestamp,
};
use policy::PolicyError;
use store::{BEHIND, StoreError};

use crate::latitude::wish::NoLatitude;
use crate::{rotation::Rotation, separation_of_duty::DutyError};

/// Why it was not made: one variant per cause a person can act on. Nothing was changed.
#[derive(Debug)]
pub enum Refused {
    /// There is no such elevation.
    UnknownElevation(Id<Elevation>),
    /// The name stands for nothing.
    UnknownName {
        /// `agent`, `person`, `grant`, `installation`, `server` or `client`.
        kind: &'static str,
        /// What was asked for.
        name: String,
        /// What there is, or how to list it.
        hint: String,
    },
    /// This person may not decide this.
    Duty(DutyError),
    /// Somebody decided before.
    AlreadyDecided {
        /// Where it stands now.
        state: ElevationState,
        /// Who decided.
        by: Option<String>,
    },
    /// Whoever approves has to type the number that whoever asked sees.
    NumberMissing,
    /// They typed another one: so many more may be tried.
    WrongNumber {
        /// So many.
        left: u32,
    },
    /// Nobody decided in time.
    Lapsed(Timestamp),
    /// An approval may be shorter than what was asked for, not longer.
    NotShorter {
        /// What the approver asked for.
        asked: Span,
        /// What the request allows.
        longest: Span,
    },
    /// The elevation is over already.
    AlreadyOver(Id<Elevation>),
    /// The grant it hangs on is over.
    GrantEnded(Id<Grant>),
    /// The agent may do nothing at the moment.
    AgentNotActive {
        /// Which agent.
        agent: String,
        /// Its state.
        state: AgentState,
    },
    /// The kill switch covers it.
    Blocked(Target),
    /// Nothing to restore.
    NotRevoked {
        /// What was to be restored.
        target: Target,
        /// What is revoked.
        hint: String,
    },
    /// There is nothing to accept.
    ClockIsRight {
        /// When the latest change was made.
        last: Timestamp,
    },
    /// A grant that ended does not come back.
    GrantIsFinal,
    /// The installation is over already.
    InstallationEnded(Id<Installation>),
    /// An installation that ended does not come back.
    InstallationIsFinal,
    /// A retired agent does not come back.
    Retired(String),
    /// It is so already.
    Unchanged {
        /// Which agent.
        agent: String,
        /// Its state.
        state: AgentState,
    },
    /// Nothing of the call can vary like that.
    NoLatitude(NoLatitude),
    /// It stands for it, or does not, already.
    EligibleAlready {
        /// Which agent.
        agent: String,
        /// Does nothing above the low tier stand for it?
        eligible_only: bool,
    },
    /// That person answers for it already, or nobody does.
    SponsorAlready {
        /// Which agent.
        agent: String,
        /// Who does.
        sponsor: Option<String>,
    },
    /// The configuration says it.
    Declared {
        /// Which agent.
        agent: String,
        /// What.
        setting: &'static str,
    },
    /// There is somebody of that name.
    PersonExists(Person),
    /// The person can not log in, whatever they have.
    PersonStopped(Id<Person>),
    /// Another rotation was faster.
    KeyReplaced {
        /// The key that was to be replaced.
        replaces: String,
        /// What took its place.
        successor: Rotation,
    },
    /// The server lists something else by now.
    DefinitionMoved {
        /// `server.tool`.
        tool: String,
    },
    /// What was asked for was a call of the tool as it was.
    ToolChanged {
        /// `server.tool`.
        tool: String,
    },
    /// It is accepted already.
    DefinitionAccepted {
        /// `server.tool`.
        tool: String,
    },
    /// It would be taken for another tool.
    LooksLike {
        /// `server.tool`.
        tool: String,
        /// The other one.
        other: String,
    },
    /// With what it says of its arguments, a policy would not mean anything any more.
    BreaksPolicy {
        /// `server.tool`.
        tool: String,
        /// Which one, and why.
        why: PolicyError,
    },
    /// No call of it could be checked.
    Unchecked {
        /// `server.tool`.
        tool: String,
        /// Why.
        why: SchemaError,
    },
    /// There is no such task.
    UnknownTask(Id<Task>),
    /// The task is over already, or waits for a person to confirm that it is complete.
    TaskOver(Id<Task>),
    /// The task does not say what it is for, or asks for more than there is.
    BadTask(&'static str),
    /// The agent has as many open as it may.
    TooManyTasks(String),
    /// There is no such duty.
    UnknownDuty(Id<Duty>),
    /// The duty is over already.
    DutyOver(Id<Duty>),
    /// The same is handed over already.
    DutyStands(Id<Duty>),
    /// It can not be handed over like that.
    BadDuty(&'static str),
    /// There is no such exception.
    UnknownException(Id<Exception>),
    /// The exception is over already.
    ExceptionOver(Id<Exception>),
    /// The agent has that exception already.
    ExceptionStands(Id<Exception>),
    /// The exception asks for more than there is.
    BadException(&'static str),
    /// Who would answer for it is disabled or revoked.
    OwnerStopped(Id<Person>),
    /// A reason is missing.
    NoReason,
    /// The store failed.
    Store(StoreError),
}

impl Refused {
    /// What happened, in a few words without a full stop.
    pub fn happened(&self) -> String {
        match self {
            Self::UnknownElevation(id) => format!("there is no elevation `{id}`"),
            Self::UnknownName { kind, name, .. } => format!("there is no {kind} `{name}`"),
            Self::Duty(error) => error.happened(),
            Self::AlreadyDecided { state, by: Some(by) } => format!("it was decided before: it is {state}, by {by}"),
            Self::AlreadyDecided { state, by: None } => format!("it was decided before: it is {state}"),
            Self::NumberMissing => "it takes the number that whoever asked for it sees".to_owned(),
            Self::WrongNumber { left: 0 } => "that is not the number, and now it is denied".to_owned(),
            Self::WrongNumber { left } => {
                format!("that is not the number; {left} more may be tried before it is denied")
            }
            Self::Lapsed(at) => format!("the request lapsed at {at}"),
            Self::NotShorter { asked, .. } => format!(
                "{asked} is not allowed: an approval may shorten the time to 1s at the least, and extend it never"
            ),
            Self::AlreadyOver(id) => format!("elevation `{id}` is over already"),
            Self::GrantEnded(id) => format!("grant `{id}` has ended"),
            Self::AgentNotActive { agent, state } => format!("agent `{agent}` is {state}"),
            Self::Blocked(target) => format!("the kill switch covers {target}"),
            Self::NotRevoked { target, .. } => format!("{target} is not revoked"),
            Self::ClockIsRight { last } => format!(
                "the latest change is from {last}, and this machine's clock is not {BEHIND} behind it: nothing was changed, \
                 because time goes on by itself"
            ),
            Self::GrantIsFinal => "a revoked grant does not come back".to_owned(),
            Self::InstallationEnded(id) => format!("installation `{id}` has ended already"),
            Self::InstallationIsFinal => "an installation that was ended does not come back".to_owned(),
            Self::Retired(agent) => format!("agent `{agent}` is retired for good"),
            Self::Unchanged { agent, state } => format!("agent `{agent}` is {state} already"),
            Self::NoLatitude(why) => why.to_string(),
            Self::EligibleAlready { agent, eligible_only: true } => {
                format!("nothing above the low tier stands for agent `{agent}` already")
            }
            Self::EligibleAlready { agent, eligible_only: false } => {
                format!("what policies let agent `{agent}` do stands already")
            }
            Self::SponsorAlready { agent, sponsor: Some(sponsor) } => {
                format!("`{sponsor}` is the sponsor of agent `{agent}` already")
            }
            Self::SponsorAlready { agent, sponsor: None } => format!("agent `{agent}` has no sponsor already"),
            Self::Declared { agent, setting } => {
                format!("agent `{agent}` is declared in the configuration, and so is its {setting}")
            }
            Self::PersonExists(person) => format!("there is a person `{}` already", person.id),
            Self::PersonStopped(id) => format!("`{id}` is disabled or revoked, and a link would open nothing"),
            Self::KeyReplaced { replaces, successor } => {
                format!("key `{replaces}` has a successor already, `{}`: nothing was changed", successor.kid)
            }
            Self::DefinitionMoved { tool } => {
                format!("`{tool}` is not what you looked at any more: nothing was accepted")
            }
            Self::ToolChanged { tool } => format!("`{tool}` has changed since this call was asked for"),
            Self::DefinitionAccepted { tool } => format!("what `{tool}` says of itself is accepted already"),
            Self::LooksLike { tool, other } => format!("`{tool}` looks like `{other}`, which is accepted"),
            Self::BreaksPolicy { tool, why } => {
                format!("with what `{tool}` says of its arguments a policy does not hold: {why}")
            }
            Self::Unchecked { tool, why } => format!("calls of `{tool}` can not be checked: {why}"),
            Self::UnknownTask(id) => format!("there is no task `{id}`"),
            Self::TaskOver(id) => format!("task `{id}` is over already"),
            Self::BadTask(why) => (*why).to_owned(),
            Self::UnknownDuty(id) => format!("there is no duty `{id}`"),
            Self::DutyOver(id) => format!("duty `{id}` is over already"),
            Self::DutyStands(id) => format!("the same is handed over already, as `{id}`"),
            Self::BadDuty(why) => (*why).to_owned(),
            Self::TooManyTasks(agent) => format!("agent `{agent}` has as many open tasks as it may"),
            Self::UnknownException(id) => format!("there is no exception `{id}`"),
            Self::ExceptionOver(id) => format!("exception `{id}` is over already"),
            Self::ExceptionStands(id) => format!("the agent has it already, as `{id}`"),
            Self::BadException(why) => (*why).to_owned(),
            Self::OwnerStopped(id) => format!("`{id}` is disabled or revoked, and answers for nothing"),
            Self::NoReason => "say why in a few words: the reason goes into the audit log".to_owned(),
            Self::Store(error) => error.to_string(),
        }
    }

    /// What to do about it, when there is anything.
    pub fn to_do(&self) -> Option<String> {
        let text = match self {
            Self::UnknownTask(_) => "`portcullis task list` shows the latest".to_owned(),
            Self::UnknownDuty(_) => "`portcullis duty list` shows the latest".to_owned(),
            Self::DutyStands(_) => "end that one first, if it shall last longer".to_owned(),
            Self::UnknownException(_) => "`portcullis exception list` shows the latest".to_owned(),
            Self::ExceptionStands(_) => "end it first, if the new one is to be another".to_owned(),
            Self::OwnerStopped(_) => "name somebody else".to_owned(),
            Self::TooManyTasks(_) => "end one of them: `portcullis task list` shows them".to_owned(),
            Self::UnknownElevation(_) => "`portcullis elevation list` shows the latest".to_owned(),
            Self::UnknownName { hint, .. } | Self::NotRevoked { hint, .. } => hint.clone(),
            Self::Duty(error) => return error.to_do().map(str::to_owned),
            Self::NumberMissing | Self::WrongNumber { left: 1.. } => {
                "ask them for it, and not by a message that anybody could have written".to_owned()
            }
            Self::Lapsed(_) => "the agent has to ask again".to_owned(),
            Self::NotShorter { longest, .. } => format!("at most {longest}"),
            Self::GrantEnded(_) => "the agent has to ask for access again".to_owned(),
            Self::AgentNotActive { .. } => "resume it first".to_owned(),
            Self::Blocked(_) => "restore it first".to_owned(),
            Self::GrantIsFinal => "the agent asks for access again and gets a new one".to_owned(),
            Self::InstallationIsFinal => "its client authorizes again and makes a new one".to_owned(),
            Self::Declared { .. } => "change it there, and reload".to_owned(),
            Self::PersonExists(_) => "`portcullis person list` shows everybody".to_owned(),
            Self::KeyReplaced { .. } => {
                "look at `portcullis key list`, and rotate again if that one is to be replaced".to_owned()
            }
            Self::DefinitionMoved { tool } => {
                format!("look again: `portcullis tool show {tool}` has what the server lists now")
            }
            Self::ToolChanged { tool } => {
                format!(
                    "deny it; `portcullis tool show {tool}` has the change, and the agent can call again once it is accepted"
                )
            }
            Self::LooksLike { .. } => "the server has to give one of them another name".to_owned(),
            Self::Unchecked { why: SchemaError::Several, .. } => {
                "the server has to give each a name of its own".to_owned()
            }
            Self::BreaksPolicy { .. } => {
                "change the policy so that it fits what the tool takes now, reload, and accept it then".to_owned()
            }
            Self::Unchecked { .. } => "the server has to describe its arguments otherwise".to_owned(),
            Self::AlreadyDecided { .. }
            | Self::TaskOver(_)
            | Self::DutyOver(_)
            | Self::BadDuty(_)
            | Self::WrongNumber { left: 0 }
            | Self::BadTask(_)
            | Self::ExceptionOver(_)
            | Self::BadException(_)
            | Self::DefinitionAccepted { .. }
            | Self::AlreadyOver(_)
            | Self::ClockIsRight { .. }
            | Self::InstallationEnded(_)
            | Self::Retired(_)
            | Self::Unchanged { .. }
            | Self::NoLatitude(_)
            | Self::EligibleAlready { .. }
            | Self::SponsorAlready { .. }
            | Self::PersonStopped(_)
            | Self::NoReason
            | Self::Store(_) => return None,
        };
        Some(text)
    }
}

/// For a line: what happened, and what to do.
impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.happened())?;
        self.to_do().map_or(Ok(()), |to_do| write!(f, "; {to_do}"))
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Store(error) => error.source(),
            _ => None,
        }
    }
}

impl From<DutyError> for Refused {
    fn from(error: DutyError) -> Self {
        Self::Duty(error)
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
