//! Tokens: issued, refused, used twice, ended.

use schemars::JsonSchema;
use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::{Agent, ClientId, Elevation, Grant, GrantType, Id, Installation, Person, ScopeSet, Server};

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
    /// The id of the access token.
    pub jti: String,
    /// How long the access token lives, in seconds.
    pub expires_in: u64,
    /// The elevations in it, separated by spaces.
    pub elevation: Option<String>,
}

/// A token request was refused, and why.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TokenRefused {
    /// The client, when it is one that is known.
    pub client: Option<ClientId>,
    /// The OAuth grant type, when it is one.
    pub grant_type: Option<GrantType>,
    /// Why, as a stable word.
    pub cause: &'static str,
    /// The error code that the client is told.
    pub error: &'static str,
    /// The elevation that waits, or was denied.
    pub elevation: Option<Id<Elevation>>,
    /// `yes` when the client proved who it is, otherwise `no`.
    pub authenticated: &'static str,
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
    /// `access_token`, `refresh_token`, or `unknown`.
    pub kind: &'static str,
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
    /// Why, as a stable word.
    pub cause: &'static str,
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
    /// Why, as a stable word.
    pub cause: &'static str,
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
