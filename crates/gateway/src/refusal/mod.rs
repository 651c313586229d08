//! Every way of saying no, and what it looks like on the wire. Nothing else here knows a status code.
//!
//! Spec: RFC 6750 §3.1, RFC 9449 §7.1, RFC 9728 §5.1, MCP basic/authorization (error handling),
//! MCP 2026-07-28 basic/transports/streamable-http (statuses).
//! Differs: a denial that no scope can cure is a tool result with `isError` for `tools/call`, so that the model
//! reads the reason instead of its client asking for consent again (docs/divergences.md).

mod causes;
mod denial;
pub mod record;
pub mod sampling;
mod wire;

use catalogue::Fault;
use crypto::ProofError;
use mcp::{jsonrpc::Malformed, revision::NotSpoken};
use model::{
    AskedCall, DenyReason, Elevation, HeldFor, Id, ScopeSet, StepUp, ToolName, config::ChallengeStyle,
    event::CallRefusalReason,
};
use policy::Untypable;
use privilege::task::named::NotInTask;
use store::MatchingNumber;

pub use causes::{before_sending, cut, not_answered, not_listed, of_answer};
pub use wire::{Asked, By, event_of, respond};

use crate::{credential::Doubt, may_be_done::MayBeDone, principal::PrincipalError, quota::Quota};

/// How it is told that a person has to say yes.
#[derive(Debug, Default)]
pub struct HowTold {
    /// In the way that the client understands.
    pub style: ChallengeStyle,
    /// Where the person can do so.
    pub at: String,
    /// The call that was left behind, so that it can be asked for.
    pub asked: Option<Id<AskedCall>>,
    /// The client can send its person there, and has not done so for this call yet.
    pub sends_person: bool,
}

/// Why a request was not relayed: one variant per cause.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Nothing is at this path.
    #[error("there is nothing at this path")]
    NotFound,
    /// Nothing is at this path, but something is at one that is written nearly so.
    #[error("there is nothing at this path; what you are looking for is at {0}")]
    Elsewhere(String),
    /// `Host` is missing or none of our names.
    #[error("this host is not served here; an administrator can add it to `extra_hosts`")]
    UnknownHost,
    /// `Origin` is not on the list.
    #[error("requests from this origin are not allowed; an administrator can add it to `allowed_origins`")]
    ForeignOrigin,
    /// The HTTP method means nothing here.
    #[error("the method is not allowed here")]
    MethodNotAllowed,
    /// No token.
    #[error("no access token was sent")]
    NoCredentials,
    /// Credentials in a form that could be read in two ways.
    #[error("{0}")]
    BadCredentials(Doubt),
    /// What was sent has not the form of a token.
    #[error("the token is malformed")]
    MalformedToken,
    /// The token is not good for this server, or what it stood for is over.
    #[error("{0}")]
    InvalidToken(PrincipalError),
    /// The token is bound to a key, and what came as the proof of it proves nothing.
    #[error("{0}")]
    Proof(ProofError),
    /// What is called takes a token that is bound to a key.
    #[error("{}", PrincipalError::KeyRequired)]
    KeyRequired,
    /// `Content-Type` is not JSON.
    #[error("the body must be application/json")]
    MediaType,
    /// `Content-Encoding` is set: what is decided on must be what was sent.
    #[error("an encoded body is not accepted")]
    ContentCoding,
    /// The body is too long.
    #[error("the body is longer than {0} bytes")]
    TooLarge(usize),
    /// The body broke off or took too long.
    #[error("the body did not arrive whole")]
    Incomplete,
    /// The body is not one message.
    #[error("{}", .0.cause)]
    Malformed(Malformed),
    /// The message follows no revision.
    #[error(transparent)]
    NotSpoken(#[from] NotSpoken),
    /// The method is not in the table.
    #[error("unknown method")]
    UnknownMethod,
    /// A notification that no client of this revision sends: it is accepted, and goes no further.
    #[error("this notification is not sent on")]
    NotSentOn,
    /// The method is about tasks, or the request is to run as one, and this server's tasks are not opened.
    #[error("tasks are not available on this server")]
    Tasks,
    /// `tools/call` without a tool's name, or with one that is no tool's.
    #[error(
        "params.name must be the name of a tool: 1 to 128 of the characters A-Z a-z 0-9 _ . - /, and nothing empty, `.` or `..` beside a slash"
    )]
    NoTool,
    /// The member of `params` that says what is acted on is missing.
    #[error("params.{0} is missing")]
    Missing(&'static str),
    /// A subscription to resources of two rules of the high tier.
    #[error("these resources need an approval each: subscribe to one after the other")]
    OneAtATime,
    /// The session is not known, not this principal's, or over.
    #[error("the session is not known; initialize again")]
    UnknownSession,
    /// The event after which a stream is to be resumed was sent to somebody else.
    #[error("this event was sent to somebody else; open the stream without Last-Event-ID")]
    ForeignEvent,
    /// `requestState` was not given to this principal for this call.
    #[error("params.requestState was not given to this caller for this call; make the call anew, without it")]
    ForeignState,
    /// An answer to a request of the server, outside of a session.
    #[error("a response belongs to a session")]
    OrphanResponse,
    /// More authority is needed, and can be asked for.
    #[error("{why}: {}", to_do(.told))]
    StepUp {
        /// What was called.
        what: String,
        /// What to ask for.
        scopes: ScopeSet,
        /// Who will be asked.
        by: StepUp,
        /// For the person and the model.
        why: String,
        /// How it is told.
        told: HowTold,
    },
    /// A person has been asked and has not decided yet.
    #[error(
        "{what} waits for a decision by {who}, who can give it at {at} (number {elevation}){}: make the same call again when it has been given",
        told(*number)
    )]
    Awaited {
        /// What was called.
        what: String,
        /// Who decides, in words.
        who: &'static str,
        /// Where.
        at: String,
        /// What was asked for.
        elevation: Id<Elevation>,
        /// What whoever decides needs to know of the one who asked.
        number: Option<MatchingNumber>,
    },
    /// A person said no a short while ago.
    #[error("{what} was asked for and denied (number {elevation}): do not ask again for now")]
    TurnedDown {
        /// What was called.
        what: String,
        /// What was asked for.
        elevation: Id<Elevation>,
    },
    /// It waits until a person has looked.
    #[error("{}", held(*.0, .1))]
    Held(HeldFor, ToolName),
    /// It names a task in which nothing may be called, or not by this agent.
    #[error("{0}")]
    Task(NotInTask),
    /// Its arguments are not what its definition says.
    #[error("the arguments are not what the {of} takes: {}", listed(faults))]
    Arguments {
        /// `tool` or `prompt`.
        of: &'static str,
        /// What is wrong with them.
        faults: Vec<Fault>,
    },
    /// A policy looks at its arguments, and can not compare them.
    #[error("a policy looks at the arguments of this call, and can not compare them: {0}")]
    Untyped(Untypable),
    /// No authority cures it.
    #[error("{}", reason(*.0, .1.as_ref()))]
    Denied(DenyReason, Option<ToolName>),
    /// The kill switch stops this tool.
    #[error("the tool was switched off by an operator")]
    Blocked,
    /// The grant has as much under way as it may.
    #[error("{0}")]
    Quota(#[from] Quota),
    /// All grants together send more than there is room for.
    #[error("there is no room for the body at the moment")]
    NoRoom,
    /// The store can not be relied on right now.
    #[error("the gateway has lost its store for the moment")]
    Unavailable,
    /// The server could not be reached.
    #[error("the server `{0}` cannot be reached")]
    Unreachable(String),
    /// The call was sent, and nobody knows whether it was carried out: it must not simply be sent again.
    #[error("{0}")]
    MayBeDone(MayBeDone),
    /// The server answers a stream that was begun without it, and not with a stream.
    #[error("the server answered {0} where a stream was asked for")]
    NoStream(u16),
    /// The server answered something that cannot be passed on.
    #[error("the server `{server}` {what}")]
    BadUpstream {
        /// Which one.
        server: String,
        /// What it did.
        what: &'static str,
    },
}

/// For the person who decides, by the mouth of the one who asked.
fn told(number: Option<MatchingNumber>) -> String {
    number.map_or_else(String::new, |number| format!(" and needs to be told the number {number}"))
}

impl Refusal {
    /// It waits for a decision, which can be given at `at`.
    pub fn awaited(
        what: String,
        by: StepUp,
        at: String,
        elevation: Id<Elevation>,
        number: Option<MatchingNumber>,
    ) -> Self {
        let who = match by {
            StepUp::Consent => "the owner of this agent",
            StepUp::Approval => "another person than its owner",
        };
        Self::Awaited { what, who, at, elevation, number }
    }

    /// The call that was left behind, so that somebody can ask for exactly it.
    pub fn asked(&self) -> Option<&Id<AskedCall>> {
        match self {
            Self::StepUp { told, .. } => told.asked.as_ref(),
            _ => None,
        }
    }

    /// What was asked for, of a refusal that is about a decision of a person.
    pub fn elevation(&self) -> Option<&Id<Elevation>> {
        match self {
            Self::Awaited { elevation, .. } | Self::TurnedDown { elevation, .. } => Some(elevation),
            _ => None,
        }
    }

    /// The cause, in the audit and in logs.
    pub const fn reason(&self) -> CallRefusalReason {
        use CallRefusalReason as R;
        match self {
            Self::NotFound | Self::Elsewhere(_) => R::NotFound,
            Self::UnknownHost => R::UnknownHost,
            Self::ForeignOrigin => R::ForeignOrigin,
            Self::MethodNotAllowed => R::MethodNotAllowed,
            Self::NoCredentials => R::NoCredentials,
            Self::BadCredentials(_) => R::InvalidRequest,
            Self::InvalidToken(PrincipalError::KeyNotShown | PrincipalError::OtherKey) => R::KeyNotProved,
            Self::MalformedToken | Self::InvalidToken(_) => R::InvalidToken,
            Self::Proof(_) => R::InvalidProof,
            Self::KeyRequired => R::KeyRequired,
            Self::MediaType => R::MediaType,
            Self::ContentCoding => R::ContentCoding,
            Self::TooLarge(_) => R::TooLarge,
            Self::Incomplete => R::Incomplete,
            Self::Malformed(_) => R::Malformed,
            Self::NotSpoken(_) => R::Revision,
            Self::Task(_) => R::Task,
            Self::UnknownMethod => R::UnknownMethod,
            Self::NotSentOn => R::NotSentOn,
            Self::Tasks => R::Tasks,
            Self::NoTool => R::NoTool,
            Self::Missing(_) => R::MissingParam,
            Self::OneAtATime => R::OneAtATime,
            Self::UnknownSession => R::UnknownSession,
            Self::ForeignEvent => R::ForeignEvent,
            Self::ForeignState => R::ForeignState,
            Self::OrphanResponse => R::OrphanResponse,
            Self::StepUp { .. } => R::StepUp,
            Self::Awaited { .. } => R::AwaitsDecision,
            Self::TurnedDown { .. } => R::TurnedDown,
            Self::Denied(DenyReason::Forbidden, _) => R::Forbidden,
            Self::Denied(DenyReason::NotPermitted, _) => R::NotPermitted,
            Self::Held(..) | Self::Denied(DenyReason::Held, _) => R::Held,
            Self::Arguments { .. } => R::Arguments,
            Self::Untyped(_) | Self::Denied(DenyReason::UntypedInput, _) => R::UntypedInput,
            Self::Denied(DenyReason::EvaluationError, _) => R::EvaluationError,
            Self::Blocked => R::Blocked,
            Self::Quota(quota) => quota.reason(),
            Self::NoRoom => R::NoRoom,
            Self::Unavailable => R::Unavailable,
            Self::Unreachable(_) => R::Unreachable,
            Self::MayBeDone(_) => R::MayBeDone,
            Self::NoStream(_) => R::NoStream,
            Self::BadUpstream { .. } => R::BadUpstream,
        }
    }
}

/// What to do about it: of a client that authorizes again, or of the person who reads the result of the tool.
fn to_do(told: &HowTold) -> String {
    if told.style == ChallengeStyle::Http {
        return "authorize again for the scope named here".to_owned();
    }
    let number = told.asked.as_ref().map_or_else(String::new, |asked| format!(" (number {asked})"));
    format!("the person it is done for can ask for it at {}{number}; the same call will work afterwards", told.at)
}

fn held(why: HeldFor, tool: &ToolName) -> String {
    match why {
        HeldFor::Tier => {
            format!("{tool} is held: nobody has classified it yet; ask an administrator to name its tier")
        }
        HeldFor::Definition => {
            format!("{tool} is held: its server does not list it; list the tools anew, or ask an administrator")
        }
        HeldFor::New => {
            format!("{tool} is held: it is new, and nobody has accepted what it says of itself; ask an administrator")
        }
        HeldFor::Changed => format!(
            "{tool} is held: it is not what was accepted any more; ask an administrator to look at what changed"
        ),
    }
}

/// One after the other.
fn listed(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn reason(reason: DenyReason, tool: Option<&ToolName>) -> String {
    let what = tool.map_or_else(|| "this request".to_owned(), ToString::to_string);
    match reason {
        DenyReason::Forbidden => format!("a policy forbids {what}"),
        DenyReason::NotPermitted => format!("no policy permits {what} for this agent"),
        DenyReason::Held => format!("{what} is held until a person has looked; ask an administrator"),
        DenyReason::UntypedInput => format!("the arguments of {what} are none that a policy can compare"),
        DenyReason::EvaluationError => format!("{what} could not be decided on, so it is denied"),
    }
}
