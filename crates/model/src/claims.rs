//! What an access token says.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Agent, ClientId, Grant, Id, Installation, Person, ScopeSet, Task, Thumbprint, Timestamp};

/// The claims of an access token, one resource each.
///
/// Spec: RFC 9068 §2.2. `grant_id`, `agent_id` and `sid` are ours: they make liveness a look-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// The issuer, byte for byte the one in the metadata.
    pub iss: String,
    /// The one resource this token is good for.
    pub aud: String,
    /// For whom: `person:ada`, or `agent:nightly-reconciler` when nobody.
    pub sub: Subject,
    /// The client it was issued to.
    pub client_id: ClientId,
    /// What it was issued for. Above the baseline it is a hint: the live elevation decides.
    pub scope: ScopeSet,
    /// Its own id.
    pub jti: String,
    /// Issued at, seconds.
    pub iat: i64,
    /// Not valid from then on, seconds.
    pub exp: i64,
    /// The grant it belongs to.
    pub grant_id: Id<Grant>,
    /// The agent that may use it.
    pub agent_id: Id<Agent>,
    /// The installation it belongs to; tokens from before there were installations have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<Id<Installation>>,
    /// The task that every call with it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Id<Task>>,
    /// The key without which it is worth nothing. Spec: RFC 9449 §6.1
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
}

/// The key that whoever presents a token has to prove. A way of binding that is not known here is refused, not passed over.
///
/// Spec: RFC 7800 §3.1, RFC 9449 §6.1
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// Its thumbprint.
    pub jkt: Thumbprint,
}

impl AccessClaims {
    /// When it stops being valid.
    pub fn expires_at(&self) -> Timestamp {
        Timestamp::from_seconds(self.exp)
    }

    /// The key that it is bound to, if it is bound to any.
    pub fn key(&self) -> Option<&Thumbprint> {
        self.cnf.as_ref().map(|cnf| &cnf.jkt)
    }

    /// What a block on its installation names. A token without `sid` is an installation of its own.
    pub fn installation(&self) -> Option<Id<Installation>> {
        self.sid.clone().or_else(|| self.jti.parse().ok())
    }
}

/// A `sub` that keeps people and agents in name spaces of their own.
///
/// Spec: RFC 9068 §5 (an autonomous agent must not be taken for a person of the same name).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// An agent acts for this person.
    Person(Id<Person>),
    /// An agent acts for itself.
    Agent(Id<Agent>),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => write!(f, "person:{id}"),
            Self::Agent(id) => write!(f, "agent:{id}"),
        }
    }
}

impl Serialize for Subject {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let id = |rest: &str| rest.parse().map_err(serde::de::Error::custom);
        match text.split_once(':') {
            Some(("person", rest)) => Ok(Self::Person(id(rest)?)),
            Some(("agent", rest)) => rest.parse().map(Self::Agent).map_err(serde::de::Error::custom),
            _ => Err(serde::de::Error::custom("a subject is `person:…` or `agent:…`")),
        }
    }
}
