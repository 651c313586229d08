//! Agents: non-human identities with an owner, a purpose and an end.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Assurance, ClientId, Id, Person, Timestamp, text_enum};

/// A non-human identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// Its name, unique in the installation: `nightly-reconciler`, `claude-code@ada`.
    pub id: Id<Agent>,
    /// What it is called on pages, as its client says or the file declares.
    pub title: String,
    /// Whose it is. For an interactive agent: the person it acts for.
    pub owner: Id<Person>,
    /// Why it exists.
    pub purpose: String,
    /// With whose authority it acts.
    pub kind: AgentKind,
    /// The OAuth client it presents itself as.
    pub client: ClientId,
    /// How well the client's identity is proven.
    pub assurance: Assurance,
    /// May it do anything at all?
    pub state: AgentState,
    /// First seen or declared.
    pub created_at: Timestamp,
    /// Who answers for what it is for, beside its owner.
    pub sponsor: Option<Id<Person>>,
    /// Nothing above the low tier stands for it: what policies would let it do as it is, it has to ask for.
    pub eligible_only: bool,
}

/// With whose authority an agent acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentKind {
    /// For a person who logged in and consented.
    Delegated,
    /// For itself, by client credentials.
    Autonomous,
}

/// May an agent do anything at all?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// Yes, within its grants.
    Active,
    /// Not until somebody resumes it.
    Suspended,
    /// Never again.
    Retired,
}

text_enum!(AgentKind { Delegated => "delegated", Autonomous => "autonomous" });
text_enum!(AgentState { Active => "active", Suspended => "suspended", Retired => "retired" });
