//! What servers say of their tools and prompts.

use schemars::JsonSchema;
use serde::Serialize;
use serde_with::skip_serializing_none;

use super::Text;
use crate::{Id, ListKind, Server, Sighting, ToolName};

/// A server listed something else than what was accepted, or again what was.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DefinitionSeen {
    /// The server.
    pub server: Id<Server>,
    /// The tool, the prompt, the resource with its template or URI, or what the server says of itself.
    pub tool: Text<ToolName>,
    /// SHA-256 of what is listed now, as canonical JSON.
    pub definition: String,
    /// How that differs from what was accepted.
    pub sighting: Sighting,
    /// SHA-256 of what was accepted.
    pub accepted: Option<String>,
}

/// A definition counts from now on.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DefinitionAccepted {
    /// The server.
    pub server: Id<Server>,
    /// The tool, the prompt, the resource with its template or URI, or what the server says of itself.
    pub tool: Text<ToolName>,
    /// SHA-256 of its definition, as canonical JSON.
    pub definition: String,
    /// SHA-256 of the definition that counted before.
    pub replaces: Option<String>,
    /// Nobody looked: it was on the first list of a server whose first list counts.
    pub first_list: bool,
}

/// A list of a server was seen whole for the first time, or had something in it for the first time.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ServerListed {
    /// The server.
    pub server: Id<Server>,
    /// Which list.
    pub list: ListKind,
    /// So many different names were in it.
    pub items: u64,
    /// So many items besides could not be read, or not be called by their names.
    pub unreadable: u64,
    /// SHA-256 of the names and the digests of their definitions, in order, as canonical JSON.
    pub definitions: String,
}
