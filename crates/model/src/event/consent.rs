//! What people answer on the consent page, and what they are not asked.

use schemars::JsonSchema;
use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::{
    Agent, ClientId, Elevation, ErrorCode, Grant, Id, Installation, Person, ScopeSet, Server, Task, text_enum,
};

/// An authorization request of a person who is signed in was refused by the rules, and why.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AuthorizationRefused {
    /// The person.
    pub person: Id<Person>,
    /// The agent, when it is known.
    pub agent: Option<Id<Agent>>,
    /// The client it presents.
    pub client: ClientId,
    /// Why.
    pub cause: AuthorizationRefusalCause,
    /// The error code that the client is told.
    pub error: ErrorCode,
    /// The elevation that was denied a short while ago.
    pub elevation: Option<Id<Elevation>>,
    /// The `@id`s of the policies that decided.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
}

/// A person consented to a grant or a medium elevation.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ConsentGiven {
    /// The person.
    pub person: Id<Person>,
    /// The client it presents.
    pub client: ClientId,
    /// Where the code goes.
    pub redirect_uri: String,
    /// The agent.
    pub agent: Id<Agent>,
    /// The grant.
    pub grant: Id<Grant>,
    /// The server.
    pub server: Id<Server>,
    /// What the code is worth.
    pub scope: ScopeSet,
    /// What the client asked for.
    pub asked: ScopeSet,
    /// The task that what is above the baseline belongs to.
    pub task: Option<Id<Task>>,
}

/// A person refused consent.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ConsentRefused {
    /// The person.
    pub person: Id<Person>,
    /// The client it presents.
    pub client: ClientId,
    /// Where the refusal goes.
    pub redirect_uri: String,
    /// The server.
    pub server: Id<Server>,
    /// What the client asked for.
    pub asked: ScopeSet,
}

/// An authorization code was issued.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CodeIssued {
    /// What one authorization gave to one copy of a client.
    pub installation: Id<Installation>,
    /// The agent.
    pub agent: Id<Agent>,
    /// The client it presents.
    pub client: ClientId,
    /// The grant.
    pub grant: Id<Grant>,
    /// The person.
    pub person: Id<Person>,
    /// What it is worth.
    pub scope: ScopeSet,
}

/// Why an authorization request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthorizationRefusalCause {
    /// A parameter is there twice, or can not be read.
    Malformed,
    /// It wants another response mode than `query`.
    ResponseMode,
    /// The code challenge is missing or not S256.
    Challenge,
    /// The key that the code is to be bound to is no thumbprint.
    Key,
    /// It wants another response type than `code`.
    ResponseType,
    /// It comes as a request object.
    RequestObject,
    /// It names a `request_uri`.
    RequestUri,
    /// The resource is none of ours, or none can be meant.
    Resource,
    /// The scope can not be had.
    Scope,
    /// The server takes the word of an identity provider alone.
    EnterpriseOnly,
    /// No page may be shown, and nobody is logged in.
    LoginRequired,
    /// No page may be shown, and consent is missing.
    ConsentRequired,
    /// The person said no.
    Refused,
    /// An approver said no.
    Denied,
    /// Nobody decided in time.
    Lapsed,
    /// Too many elevations of this agent wait.
    TooManyPending,
    /// Another person has to approve it, and nobody was asked.
    NeedsApproval,
    /// An approval covers one call, and none of it was refused lately.
    NotCalled,
    /// Its `authorization_details` mean nothing here.
    AuthorizationDetails,
    /// The task that it asks for can not be had.
    Task,
    /// Its grant has ended.
    GrantEnded,
    /// Its agent is suspended or retired.
    AgentNotActive,
    /// Its agent is not known.
    AgentUnknown,
    /// The person behind it is disabled.
    PersonDisabled,
    /// The kill switch is on what it is about.
    Blocked,
}

text_enum!(AuthorizationRefusalCause {
    Malformed => "malformed",
    ResponseMode => "response_mode",
    Challenge => "challenge",
    Key => "key",
    ResponseType => "response_type",
    RequestObject => "request_object",
    RequestUri => "request_uri",
    Resource => "resource",
    Scope => "scope",
    EnterpriseOnly => "enterprise_only",
    LoginRequired => "login_required",
    ConsentRequired => "consent_required",
    Refused => "refused",
    Denied => "denied",
    Lapsed => "lapsed",
    TooManyPending => "too_many_pending",
    NeedsApproval => "needs_approval",
    NotCalled => "not_called",
    AuthorizationDetails => "authorization_details",
    Task => "task",
    GrantEnded => "grant_ended",
    AgentNotActive => "agent_not_active",
    AgentUnknown => "agent_unknown",
    PersonDisabled => "person_disabled",
    Blocked => "blocked",
});
