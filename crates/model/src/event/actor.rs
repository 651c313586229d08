//! Who made something happen.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::{Agent, ClientId, Id, Person};

/// Who made something happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person, through a page.
    Person(Id<Person>),
    /// An agent, through a token or a client assertion.
    Agent(Id<Agent>),
    /// A client that is not known as an agent yet.
    Client(ClientId),
    /// A client of which nobody knows which one it is.
    UnknownClient,
    /// Somebody with access to the data directory, through the command line.
    Operator,
    /// The product itself: an end reached, a file read.
    System,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => write!(f, "person:{id}"),
            Self::Agent(id) => write!(f, "agent:{id}"),
            Self::Client(id) => write!(f, "client:{id}"),
            Self::UnknownClient => f.write_str("client:unknown"),
            Self::Operator => f.write_str("operator"),
            Self::System => f.write_str("system"),
        }
    }
}

impl Serialize for Actor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
