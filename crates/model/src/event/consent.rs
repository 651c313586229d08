//! What people answer on the consent page, and what they are not asked.

use schemars::JsonSchema;
use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::{Agent, ClientId, Elevation, Grant, Id, Installation, Person, ScopeSet, Server};

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
    /// Why, as a stable word.
    pub cause: &'static str,
    /// The error code that the client is told.
    pub error: &'static str,
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
