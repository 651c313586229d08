//! Calls: decided, refused, ended.

use schemars::JsonSchema;
use serde::Serialize;
use serde_with::skip_serializing_none;

use super::Text;
use crate::{
    Agent, AskedCall, ClientId, Elevation, Exception, Grant, HeldFor, Id, Person, Scope, Server, StepUp, Thumbprint,
    Tier, ToolName, text_enum,
};

/// A call was decided, before it was sent upstream.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CallDecided {
    /// The agent.
    pub agent: Id<Agent>,
    /// The client it presents.
    pub client: ClientId,
    /// The grant.
    pub grant: Id<Grant>,
    /// The person it acts for; none for an autonomous agent.
    pub person: Option<Id<Person>>,
    /// The id of the access token.
    pub jti: String,
    /// The server.
    pub server: Id<Server>,
    /// The JSON-RPC method.
    pub method: String,
    /// What joins the records of one call.
    pub request: Box<str>,
    /// The resource that is asked for.
    pub uri: Option<String>,
    /// The revision of the protocol that the client speaks.
    pub revision: &'static str,
    /// What was decided: `allow`.
    pub decision: Verdict,
    /// How much harm the call can do.
    pub tier: Tier,
    /// The scope that stands for it.
    pub scope: Scope,
    /// The tool, resource rule or prompt.
    pub tool: Option<Text<ToolName>>,
    /// What the permission rests on.
    pub authority: Rests,
    /// The elevation of which a use was taken.
    pub elevation: Option<Id<Elevation>>,
    /// The digest of the policies in force.
    pub policy: Box<str>,
    /// The `@id`s of the policies that decided.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// How old the facts were that it was decided on.
    #[serde(flatten)]
    pub facts: Facts,
    /// More about the call.
    #[serde(flatten)]
    pub rest: CallRest,
}

/// A call was refused before or by the decision.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CallRefused {
    /// The agent.
    pub agent: Id<Agent>,
    /// The client it presents.
    pub client: ClientId,
    /// The grant.
    pub grant: Id<Grant>,
    /// The person it acts for; none for an autonomous agent.
    pub person: Option<Id<Person>>,
    /// The id of the access token.
    pub jti: String,
    /// The server.
    pub server: Id<Server>,
    /// The JSON-RPC method, once it is known.
    pub method: Option<String>,
    /// What joins the records of one call.
    pub request: Option<Box<str>>,
    /// The resource that is asked for.
    pub uri: Option<String>,
    /// The revision of the protocol that the client speaks.
    pub revision: Option<&'static str>,
    /// What was decided: `deny`, or `step_up` when a scope can help.
    pub decision: Verdict,
    /// Why.
    pub reason: CallRefusalReason,
    /// Why, in words, when the credential is dead.
    pub why: Option<String>,
    /// What a held tool waits for.
    pub held: Option<HeldFor>,
    /// How much harm the call can do.
    pub tier: Option<Tier>,
    /// The scopes to ask for.
    pub scope: Option<String>,
    /// Who has to say yes to them.
    pub by: Option<StepUp>,
    /// The tool, resource rule or prompt.
    pub tool: Option<Text<ToolName>>,
    /// The elevation that waits.
    pub elevation: Option<Id<Elevation>>,
    /// The call as it was left behind, so that somebody can ask for exactly it.
    pub asked: Option<Id<AskedCall>>,
    /// The digest of the policies in force.
    pub policy: Option<Box<str>>,
    /// The `@id`s of the policies that decided.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// How old the facts were that it was decided on.
    #[serde(flatten)]
    pub facts: Option<Facts>,
    /// More about the call.
    #[serde(flatten)]
    pub rest: CallRest,
}

/// An allowed call ended: what the upstream answered, or why it did not.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CallEnded {
    /// The agent.
    pub agent: Option<Id<Agent>>,
    /// The server.
    pub server: Option<Id<Server>>,
    /// What joins the records of one call.
    pub request: Box<str>,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether it was carried out.
    pub done: Done,
    /// How many bytes of the answer were relayed.
    pub bytes: Option<u64>,
    /// The HTTP status of the upstream.
    pub status: Option<u16>,
    /// The node that is gone, where another one wrote this in its place.
    pub node: Option<String>,
}

/// How old the facts were on which something was decided.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Facts {
    /// The revocation epoch under which it was decided.
    pub epoch: Option<String>,
    /// When the node last compared what it holds in memory with the store: so many milliseconds before.
    pub facts_age_ms: u64,
}

/// What was decided of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It may be made.
    Allow,
    /// Not with what the agent holds; a scope can help.
    StepUp,
    /// It may not be made.
    Deny,
}

/// What the permission of a call rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rests {
    /// The standing grant.
    Standing,
    /// A use of an elevation.
    Elevation,
}

/// Why a call was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallRefusalReason {
    /// Nothing is at that path.
    NotFound,
    /// `Host` is none of our names.
    UnknownHost,
    /// `Origin` is not on the list.
    ForeignOrigin,
    /// The HTTP method means nothing there.
    MethodNotAllowed,
    /// No token came.
    NoCredentials,
    /// The credentials can be read in two ways.
    InvalidRequest,
    /// The token is not good there, or what it stood for is over.
    InvalidToken,
    /// The token is bound to a key, and the proof of it proves nothing.
    InvalidProof,
    /// The token is bound to a key, and was shown without proving it.
    KeyNotProved,
    /// What is called takes a token that is bound to a key.
    KeyRequired,
    /// The body is not JSON.
    MediaType,
    /// The body is encoded.
    ContentCoding,
    /// The body is too long.
    TooLarge,
    /// The body did not arrive whole.
    Incomplete,
    /// The body is not one message.
    Malformed,
    /// The message follows no revision.
    Revision,
    /// The method is not known.
    UnknownMethod,
    /// A notification that no client of its revision sends.
    NotSentOn,
    /// It is about tasks, and those of this server are not opened.
    Tasks,
    /// It names no tool.
    NoTool,
    /// What it acts on is missing.
    MissingParam,
    /// It is about resources that need an approval each.
    OneAtATime,
    /// The session is not this principal's, or over.
    UnknownSession,
    /// The event to resume after was sent to somebody else.
    ForeignEvent,
    /// The state of the request was given to somebody else.
    ForeignState,
    /// It answers nothing.
    OrphanResponse,
    /// More authority is needed, and can be asked for.
    StepUp,
    /// A person has not decided yet.
    AwaitsDecision,
    /// A person said no a short while ago.
    TurnedDown,
    /// A policy forbids it.
    Forbidden,
    /// No policy permits it, whatever scope is held.
    NotPermitted,
    /// Its tool waits until a person has looked.
    Held,
    /// Its arguments are not what the accepted definition of its tool says.
    Arguments,
    /// A policy looks at its arguments, and can not compare them.
    UntypedInput,
    /// It names a task in which nothing may be called, or not by this agent.
    Task,
    /// Deciding failed.
    EvaluationError,
    /// The kill switch is on its tool.
    Blocked,
    /// Its grant has too many calls under way.
    TooManyCalls,
    /// Its grant has too many streams.
    TooManyStreams,
    /// Its grant sends too much at once.
    TooManyBytes,
    /// Its grant is refused too often.
    TooManyRefusals,
    /// All grants together send too much at once.
    NoRoom,
    /// The store could not be relied on.
    Unavailable,
    /// The server could not be reached.
    Unreachable,
    /// It was sent, and nobody knows whether it was carried out.
    MayBeDone,
    /// The server answered with something else than a stream.
    NoStream,
    /// The server answered what can not be passed on.
    BadUpstream,
}

text_enum!(CallRefusalReason {
    NotFound => "not_found",
    UnknownHost => "unknown_host",
    ForeignOrigin => "foreign_origin",
    MethodNotAllowed => "method_not_allowed",
    NoCredentials => "no_credentials",
    InvalidRequest => "invalid_request",
    InvalidToken => "invalid_token",
    InvalidProof => "invalid_proof",
    KeyNotProved => "key_not_proved",
    KeyRequired => "key_required",
    MediaType => "media_type",
    ContentCoding => "content_coding",
    TooLarge => "too_large",
    Incomplete => "incomplete",
    Malformed => "malformed",
    Revision => "revision",
    UnknownMethod => "unknown_method",
    NotSentOn => "not_sent_on",
    Tasks => "tasks",
    NoTool => "no_tool",
    MissingParam => "missing_param",
    OneAtATime => "one_at_a_time",
    UnknownSession => "unknown_session",
    ForeignEvent => "foreign_event",
    ForeignState => "foreign_state",
    OrphanResponse => "orphan_response",
    StepUp => "step_up",
    AwaitsDecision => "awaits_decision",
    TurnedDown => "turned_down",
    Forbidden => "forbidden",
    NotPermitted => "not_permitted",
    Held => "held",
    Arguments => "arguments",
    UntypedInput => "untyped_input",
    Task => "task",
    EvaluationError => "evaluation_error",
    Blocked => "blocked",
    TooManyCalls => "too_many_calls",
    TooManyStreams => "too_many_streams",
    TooManyBytes => "too_many_bytes",
    TooManyRefusals => "too_many_refusals",
    NoRoom => "no_room",
    Unavailable => "unavailable",
    Unreachable => "unreachable",
    MayBeDone => "may_be_done",
    NoStream => "no_stream",
    BadUpstream => "bad_upstream",
});

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The whole answer was relayed.
    Complete,
    /// The client left before.
    ClientGone,
    /// The node stops, and with it a stream that only listens.
    GatewayStopped,
    /// Something it rested on was taken away meanwhile.
    AuthorityEnded,
    /// A stream that only listens outlived its token, its grant or its elevation.
    Expired,
    /// It took longer than any may.
    TooLong,
    /// Nobody could be asked any more whether it stands.
    StoreSilent,
    /// The answer is longer than is passed on.
    AnswerTooLong,
    /// The upstream answered what can not be passed on.
    BadUpstream,
    /// The upstream broke off.
    UpstreamBroke,
    /// The upstream does not know the session.
    UnknownSession,
    /// The upstream could not be reached, or did not answer a stream that does nothing.
    Unreachable,
    /// It was sent, and no answer came.
    MayBeDone,
    /// Before it was sent: its token, grant, agent or person stands no more.
    InvalidToken,
    /// Before it was sent: its tool was switched off.
    Blocked,
    /// Before it was sent: its elevation was ended.
    StepUp,
    /// Before it was sent: its task was ended.
    TaskEnded,
    /// Before it was sent, or before its list could be filtered: the store could not be relied on.
    Unavailable,
    /// The node that made it is gone, and nobody knows.
    NotKnown,
}

/// What is known of whether a call was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// Not a byte left.
    NotSent,
    /// It was sent, and there is no whole answer.
    Unknown,
    /// The upstream answered.
    Answered,
}

/// What the capabilities to come say of a call. All of it is optional, and what is reserved is not written yet: it stands
/// here so that the format of the log is settled once.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct CallRest {
    /// The task that the call belongs to.
    pub task: Option<String>,
    /// SHA-256 over purpose, agent, person, times and uses of the task, as canonical JSON.
    pub task_digest: Option<String>,
    /// A salted commitment to the canonical JSON of the arguments, of calls of the high tier.
    pub arguments: Option<String>,
    /// SHA-256 of the accepted definition by which the arguments were checked, as canonical JSON.
    pub definition: Option<String>,
    /// Reserved. The number that left with the call.
    pub call_number: Option<u64>,
    /// Reserved. The objects that it touches, as salted commitments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<String>,
    /// Reserved. For whom the agent acts beyond the person: the chain of actors.
    pub act: Option<String>,
    /// Reserved. The id of the W3C trace.
    pub trace: Option<String>,
    /// Reserved. SHA-256 of the effect that was observed.
    pub effect: Option<String>,
    /// Reserved. Whether decision and effect agree: `agree`, `disagree`, `indeterminate` or `not_exercised`.
    pub agreement: Option<String>,
    /// How to stop the task that made this call.
    pub stop: Option<String>,
    /// The thumbprint of the key that was proved for this very request; none for a bearer token.
    pub key: Option<Thumbprint>,
    /// The exceptions that were among the facts it was decided on, by their ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<Id<Exception>>,
}
