//! The life of an exception: added, ended.

use schemars::JsonSchema;
use serde::Serialize;
use serde_with::skip_serializing_none;

use super::Text;
use crate::{Agent, Exception, ExceptionEnd, ExceptionName, Id, Person, Server, Timestamp};

/// Which exception, and whose it is.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ExceptionOf {
    /// The exception.
    pub exception: Id<Exception>,
    /// What policies call it.
    pub name: ExceptionName,
    /// Who is spared.
    pub agent: Id<Agent>,
    /// Where; everywhere when it says nothing.
    pub server: Option<Id<Server>>,
    /// Who answers for it.
    pub owner: Id<Person>,
}

/// An agent is spared what a policy says, for a while.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ExceptionAdded {
    /// Which.
    #[serde(flatten)]
    pub of: ExceptionOf,
    /// Why, in the words of whoever added it.
    pub reason: String,
    /// Its end at the latest.
    pub until: Text<Timestamp>,
    /// The same in microseconds since 1970.
    pub not_after: i64,
    /// How to stop it.
    pub stop: String,
}

/// An exception is over.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ExceptionEnded {
    /// Which.
    #[serde(flatten)]
    pub of: ExceptionOf,
    /// What ended it.
    pub cause: ExceptionEnd,
    /// Since when it is over, in microseconds since 1970: nothing was allowed by it from then on.
    pub ended_at: i64,
}

impl ExceptionOf {
    /// `exception`.
    pub fn of(exception: &Exception) -> Self {
        Self {
            exception: exception.id.clone(),
            name: exception.name.clone(),
            agent: exception.agent.clone(),
            server: exception.server.clone(),
            owner: exception.owner.clone(),
        }
    }
}

impl ExceptionAdded {
    /// `exception`.
    pub fn of(exception: &Exception) -> Self {
        Self {
            of: ExceptionOf::of(exception),
            reason: exception.reason.clone(),
            until: exception.not_after.into(),
            not_after: exception.not_after.micros(),
            stop: exception.stop(),
        }
    }
}

impl ExceptionEnded {
    /// `exception` is over since `at`, because of `cause`.
    pub fn of(exception: &Exception, cause: ExceptionEnd, at: Timestamp) -> Self {
        Self { of: ExceptionOf::of(exception), cause, ended_at: at.micros() }
    }
}
