//! Tokens: issued, refused, used twice, ended.

use schemars::JsonSchema;
use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::{
    Agent, ClientId, Elevation, ErrorCode, Grant, GrantType, Id, Installation, Person, ScopeSet, Server, Thumbprint,
    text_enum,
};

/// A code was redeemed twice; its installation is ended.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CodeReplayed {
    /// The client it presents.
    pub client: ClientId,
    /// The grant.
    pub grant: Id<Grant>,
    /// What one authorization gave to one copy of a client.
    pub installation: Id<Installation>,
}

/// Tokens were issued.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TokenIssued {
    /// The agent.
    pub agent: Id<Agent>,
    /// The client it presents.
    pub client: ClientId,
    /// The person it acts for; none for an autonomous agent.
    pub person: Option<Id<Person>>,
    /// The server.
    pub server: Id<Server>,
    /// What the access token is good for.
    pub scope: ScopeSet,
    /// The grant.
    pub grant: Id<Grant>,
    /// What one authorization gave to one copy of a client.
    pub installation: Id<Installation>,
    /// The OAuth grant type.
    pub grant_type: GrantType,
    /// By the word of which identity provider, where it is one's.
    pub idp: Option<String>,
    /// The id (`jti`) of its assertion.
    pub assertion: Option<String>,
    /// The id of the access token.
    pub jti: String,
    /// How long the access token lives, in seconds.
    pub expires_in: u64,
    /// The elevations in it, separated by spaces.
    pub elevation: Option<String>,
    /// The thumbprint of the key that it is bound to; none for a bearer token.
    pub key: Option<Thumbprint>,
}

/// A token request was refused, and why.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TokenRefused {
    /// The client, when it is one that is known.
    pub client: Option<ClientId>,
    /// The OAuth grant type, when it is one.
    pub grant_type: Option<GrantType>,
    /// Why.
    pub cause: TokenRefusalCause,
    /// The error code that the client is told.
    pub error: ErrorCode,
    /// The elevation that waits, or was denied.
    pub elevation: Option<Id<Elevation>>,
    /// Whether the client had proved who it is.
    pub authenticated: Authenticated,
    /// The `@id`s of the policies that decided.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
}

/// A client revoked a token of its own.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TokenRevoked {
    /// The client it presents.
    pub client: ClientId,
    /// What it was.
    pub kind: TokenKind,
    /// What ended with it.
    pub installation: Option<Id<Installation>>,
}

/// A refresh token came back within `tokens.refresh_reuse`, and got the same successor again.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RefreshReused {
    /// The client it presents.
    pub client: ClientId,
    /// The grant.
    pub grant: Id<Grant>,
    /// What one authorization gave to one copy of a client.
    pub installation: Id<Installation>,
    /// From where, compared with its first use.
    pub network: Network,
    /// How often by now.
    pub repeats: u64,
}

/// Refresh tokens of one installation come back more often than retries explain, or from another network.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RefreshReuseNoticed {
    /// The client it presents.
    pub client: ClientId,
    /// The grant.
    pub grant: Id<Grant>,
    /// What one authorization gave to one copy of a client.
    pub installation: Id<Installation>,
    /// Why.
    pub cause: ReuseSign,
}

/// A refresh token came back long after it was used; its installation is ended.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RefreshReplayed {
    /// The client it presents.
    pub client: ClientId,
    /// The grant.
    pub grant: Id<Grant>,
    /// What one authorization gave to one copy of a client.
    pub installation: Id<Installation>,
}

/// What one authorization gave is over: its code, its access tokens and its refresh tokens.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct InstallationEnded {
    /// What one authorization gave to one copy of a client.
    pub installation: Id<Installation>,
    /// The client it presents.
    pub client: ClientId,
    /// The grant, which stands.
    pub grant: Option<Id<Grant>>,
    /// The person it acts for; none for an autonomous agent.
    pub person: Option<Id<Person>>,
    /// Why.
    pub cause: InstallationEnd,
}

/// From where a refresh token came back, compared with its first use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// From there, or nobody knows.
    TheSameOrUnknown,
    /// From another network.
    Another,
}

/// Why the token or the revocation endpoint said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenRefusalCause {
    /// A parameter is there twice, or none can be read.
    Malformed,
    /// The body is no form.
    NotAForm,
    /// There was no room for its body.
    NoRoom,
    /// Its body did not arrive whole, or is too long.
    Unread,
    /// There is no such grant type.
    UnknownGrantType,
    /// The client may not use this grant type.
    GrantNotForClient,
    /// The client authenticates in two ways at once.
    SeveralAuthMethods,
    /// The `Authorization` header can not be read.
    BadAuthorization,
    /// The type of the assertion is not the one of a JWT.
    AssertionType,
    /// The assertion is of another client.
    AssertionOfAnother,
    /// The client is not known.
    UnknownClient,
    /// The keys of the client are too old, and its document could not be read again.
    OldKeys,
    /// The client is registered to authenticate in another way.
    WrongAuthMethod,
    /// The client assertion proves nothing.
    Assertion,
    /// The client assertion was used before.
    AssertionReplayed,
    /// The client secret is wrong.
    WrongSecret,
    /// The authorization code is not known.
    UnknownCode,
    /// The authorization code is another client's.
    CodeOfAnother,
    /// The authorization code is too old.
    CodeExpired,
    /// The redirect is another one than it was asked with.
    WrongRedirect,
    /// The code verifier is missing or wrong.
    WrongVerifier,
    /// The authorization code was redeemed before.
    CodeReplayed,
    /// The refresh token is not known.
    UnknownRefresh,
    /// The refresh token is another client's.
    RefreshOfAnother,
    /// The refresh token is too old, or was revoked.
    RefreshOver,
    /// The refresh token was used long before.
    RefreshReplayed,
    /// The refresh token was used, and so was the one that came of it.
    RefreshUsed,
    /// The token is another client's.
    TokenOfAnother,
    /// The token that is shown is none that is good.
    DeadToken,
    /// A proof of a key is needed, and none came.
    ProofMissing,
    /// The proof of a key proves nothing.
    Proof,
    /// The proof of a key came before.
    ProofReplayed,
    /// The proof of a key has no nonce of this server, or an old one.
    ProofNonce,
    /// The authorization code or refresh token is bound to another key.
    OtherKey,
    /// The assertion of an identity provider does not hold.
    IdJag,
    /// The assertion of an identity provider came before.
    IdJagReplayed,
    /// The assertion is of nobody whose word counts.
    UnknownProvider,
    /// The keys of the identity provider could not be read.
    ProviderKeys,
    /// The assertion is of another tenant.
    OtherTenant,
    /// The assertion is about nobody who is known.
    UnknownSubject,
    /// The assertion is for a resource that is none of ours.
    OtherResource,
    /// The server takes the word of an identity provider alone.
    EnterpriseOnly,
    /// The resource is none of ours, or none can be meant.
    Resource,
    /// The scope can not be had.
    Scope,
    /// A person has to decide first.
    Pending,
    /// A person said no.
    Denied,
    /// Too many elevations of this agent wait.
    TooManyPending,
    /// An approval covers one call, and none of it was refused lately.
    NotCalled,
    /// Its authorization details mean nothing here.
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
    /// The store could not be reached.
    Store,
    /// The store was silent for too long.
    StoreSilent,
    /// The token could not be signed.
    Signing,
}

text_enum!(TokenRefusalCause {
    Malformed => "malformed",
    NotAForm => "not_a_form",
    NoRoom => "no_room",
    Unread => "unread",
    UnknownGrantType => "unknown_grant_type",
    GrantNotForClient => "grant_not_for_client",
    SeveralAuthMethods => "several_auth_methods",
    BadAuthorization => "bad_authorization",
    AssertionType => "assertion_type",
    AssertionOfAnother => "assertion_of_another",
    UnknownClient => "unknown_client",
    OldKeys => "old_keys",
    WrongAuthMethod => "wrong_auth_method",
    Assertion => "assertion",
    AssertionReplayed => "assertion_replayed",
    WrongSecret => "wrong_secret",
    UnknownCode => "unknown_code",
    CodeOfAnother => "code_of_another",
    CodeExpired => "code_expired",
    WrongRedirect => "wrong_redirect",
    WrongVerifier => "wrong_verifier",
    CodeReplayed => "code_replayed",
    UnknownRefresh => "unknown_refresh",
    RefreshOfAnother => "refresh_of_another",
    RefreshOver => "refresh_over",
    RefreshReplayed => "refresh_replayed",
    RefreshUsed => "refresh_used",
    TokenOfAnother => "token_of_another",
    DeadToken => "dead_token",
    ProofMissing => "proof_missing",
    Proof => "proof",
    ProofReplayed => "proof_replayed",
    ProofNonce => "proof_nonce",
    OtherKey => "other_key",
    IdJag => "id_jag",
    IdJagReplayed => "id_jag_replayed",
    UnknownProvider => "unknown_provider",
    ProviderKeys => "provider_keys",
    OtherTenant => "other_tenant",
    UnknownSubject => "unknown_subject",
    OtherResource => "other_resource",
    EnterpriseOnly => "enterprise_only",
    Resource => "resource",
    Scope => "scope",
    Pending => "pending",
    Denied => "denied",
    TooManyPending => "too_many_pending",
    NotCalled => "not_called",
    AuthorizationDetails => "authorization_details",
    Task => "task",
    GrantEnded => "grant_ended",
    AgentNotActive => "agent_not_active",
    AgentUnknown => "agent_unknown",
    PersonDisabled => "person_disabled",
    Blocked => "blocked",
    Store => "store",
    StoreSilent => "store_silent",
    Signing => "signing",
});

/// Whether the client had proved who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Authenticated {
    /// It had.
    Yes,
    /// It had not: who it says it is was not proved.
    No,
}

text_enum!(Authenticated {
    Yes => "yes",
    No => "no",
});

/// What a client gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// An access token.
    AccessToken,
    /// A refresh token.
    RefreshToken,
    /// Something that is no token of ours that is still good.
    Unknown,
}

text_enum!(TokenKind {
    AccessToken => "access_token",
    RefreshToken => "refresh_token",
    Unknown => "unknown",
});

/// What is unusual about a refresh token that was used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReuseSign {
    /// It came from another network than before.
    AnotherNetwork,
    /// It happens more often than retries explain.
    Often,
}

text_enum!(ReuseSign {
    AnotherNetwork => "another_network",
    Often => "often",
});

/// What ended an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InstallationEnd {
    /// Its authorization code was redeemed twice.
    CodeReplayed,
    /// A refresh token of it came back late.
    RefreshReplayed,
    /// Its client gave it up.
    TokenRevoked,
}

text_enum!(InstallationEnd {
    CodeReplayed => "code_replayed",
    RefreshReplayed => "refresh_replayed",
    TokenRevoked => "token_revoked",
});
