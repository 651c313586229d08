//! From the cause at the step where it arose to the refusal that is told.

use model::{DenyReason, Elevation, Id, ScopeSet, Server, StepUp, Tier, ToolName, UnknownHost};

use privilege::authority::Unfit;

use super::{HowTold, Refusal};
use crate::{
    call::{Call, TargetError},
    conditions::ConditionLost,
    credential::CredentialError,
    definitions::NotListed,
    may_be_done::MayBeDone,
    origin::ForeignOrigin,
    permit::Denial,
    principal::PrincipalError,
    quota::{NoRoom, Quota},
    record::Recorded,
    sealed::{event_id::ForeignEvent, request_state::ForeignState, session::UnknownSession},
    upstream::{respond::RespondError, send_error::SendError},
};

impl From<UnknownHost> for Refusal {
    fn from(_: UnknownHost) -> Self {
        Self::UnknownHost
    }
}

impl From<ForeignOrigin> for Refusal {
    fn from(_: ForeignOrigin) -> Self {
        Self::ForeignOrigin
    }
}

impl From<CredentialError> for Refusal {
    fn from(error: CredentialError) -> Self {
        match error {
            CredentialError::Missing => Self::NoCredentials,
            CredentialError::Doubtful(why) => Self::BadCredentials(why),
            CredentialError::Malformed => Self::MalformedToken,
            CredentialError::Proof(why) => Self::Proof(why),
        }
    }
}

impl From<PrincipalError> for Refusal {
    fn from(error: PrincipalError) -> Self {
        match error {
            PrincipalError::StoreSilent => Self::Unavailable,
            PrincipalError::Proof(why) => Self::Proof(why),
            PrincipalError::KeyRequired => Self::KeyRequired,
            error => Self::InvalidToken(error),
        }
    }
}

impl From<NoRoom> for Refusal {
    fn from(room: NoRoom) -> Self {
        match room {
            NoRoom::OfGrant => Quota::Bytes.into(),
            NoRoom::OfAll => Self::NoRoom,
        }
    }
}

impl From<UnknownSession> for Refusal {
    fn from(_: UnknownSession) -> Self {
        Self::UnknownSession
    }
}

impl From<ForeignEvent> for Refusal {
    fn from(_: ForeignEvent) -> Self {
        Self::ForeignEvent
    }
}

impl From<ForeignState> for Refusal {
    fn from(_: ForeignState) -> Self {
        Self::ForeignState
    }
}

impl From<TargetError> for Refusal {
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::UnknownMethod => Self::UnknownMethod,
            TargetError::NotSentOn => Self::NotSentOn,
            TargetError::Tasks => Self::Tasks,
            TargetError::NoTool => Self::NoTool,
            TargetError::Missing(member) => Self::Missing(member),
            TargetError::OneAtATime => Self::OneAtATime,
            TargetError::OrphanResponse => Self::OrphanResponse,
        }
    }
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::Target(error) => error.into(),
            Denial::Principal(error) => error.into(),
            Denial::Blocked => Self::Blocked,
            Denial::Held(why, tool) => Self::Held(why, tool),
            Denial::Task(why) => Self::Task(why),
            Denial::Arguments(of, faults) => Self::Arguments { of, faults },
            Denial::Untyped(why) => Self::Untyped(why),
            Denial::Policy(reason, tool) => Self::Denied(reason, tool),
            Denial::StepUp { scopes, by, tool, tier, unfit, .. } => step_up(tool.as_ref(), tier, by, scopes, unfit),
            Denial::Awaited { tool, by, at, elevation, number } => {
                Self::awaited(named(tool.as_ref()), by, at, elevation, number)
            }
            Denial::TurnedDown { tool, elevation } => Self::TurnedDown { what: named(tool.as_ref()), elevation },
        }
    }
}

fn named(tool: Option<&ToolName>) -> String {
    tool.map_or_else(|| "this".to_owned(), ToString::to_string)
}

/// A tool that asked for more is told what the matter is and who can help.
fn step_up(
    tool: Option<&ToolName>,
    tier: Tier,
    by: StepUp,
    scopes: ScopeSet,
    unfit: Option<(Id<Elevation>, Unfit)>,
) -> Refusal {
    let what = named(tool);
    let who = match by {
        StepUp::Consent => "your consent",
        StepUp::Approval => "the approval of another person",
    };
    let unfit =
        unfit.map_or_else(String::new, |(elevation, why)| format!(" ({elevation} does not cover this call: {why})"));
    let why = format!("{what} is {tier} tier and needs {who}{unfit}");
    Refusal::StepUp { what, scopes, by, why, told: HowTold::default() }
}

/// What the client is told when nobody knows what the tools of the server are. Where it is, and what it said, is in the log.
pub fn not_listed(server: &Id<Server>, error: &NotListed) -> Refusal {
    match error {
        NotListed::Store(_) => Refusal::Unavailable,
        _ => Refusal::Unreachable(server.to_string()),
    }
}

/// What the client is told when a condition of its call does not hold any more before anything left.
pub fn before_sending(recorded: &Recorded<Call>, lost: ConditionLost) -> Refusal {
    match lost {
        ConditionLost::Principal(error) => error.into(),
        ConditionLost::Tool => Refusal::Blocked,
        ConditionLost::Elevation => recorded.permit().step_up().into(),
        ConditionLost::Task(why) => Refusal::Task(why),
        ConditionLost::Exception => Refusal::Denied(DenyReason::Forbidden, recorded.tool().cloned()),
        ConditionLost::Expired => PrincipalError::TokenExpired.into(),
        ConditionLost::LifetimeOver(_) => Refusal::Unavailable,
    }
}

/// What the client is told once it may have been sent. What only listens is asked for again without harm.
pub fn cut(recorded: &Recorded<Call>, lost: ConditionLost) -> Refusal {
    if recorded.call().does_nothing() {
        return before_sending(recorded, lost);
    }
    Refusal::MayBeDone(lost.of_what_was_sent())
}

/// What the client is told when the server did not answer.
pub fn not_answered(call: &Call, error: &SendError) -> Refusal {
    match error {
        SendError::TimedOut if !call.does_nothing() => Refusal::MayBeDone(MayBeDone::NoAnswer),
        SendError::Broken if !call.does_nothing() => Refusal::MayBeDone(MayBeDone::ConnectionBroke),
        SendError::NotSent(_) | SendError::TimedOut | SendError::Broken => {
            Refusal::Unreachable(call.server.id.to_string())
        }
    }
}

/// What the client is told of an answer that is not passed on.
pub fn of_answer(recorded: &Recorded<Call>, error: RespondError) -> Refusal {
    match error {
        RespondError::UnknownSession => Refusal::UnknownSession,
        RespondError::Bad(answer) => {
            Refusal::BadUpstream { server: recorded.call().server.id.to_string(), what: answer.what() }
        }
        RespondError::MayBeDone(what) => Refusal::MayBeDone(what),
        RespondError::Lost(lost) => cut(recorded, lost),
        RespondError::Principal(error) => error.into(),
    }
}
