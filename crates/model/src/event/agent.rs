//! Agents, and the grants they hold.

use schemars::JsonSchema;
use serde::Serialize;
use serde_with::skip_serializing_none;

use super::Text;
use crate::{Agent, AgentState, Assurance, ClientId, Grant, Id, Person, ScopeSet, Server, Timestamp};

/// An agent was seen for the first time.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AgentRegistered {
    /// The agent.
    pub agent: Id<Agent>,
    /// The client it presents.
    pub client: ClientId,
    /// Who answers for it.
    pub owner: Id<Person>,
    /// Who answers for what it is for, where somebody does.
    pub sponsor: Option<Id<Person>>,
    /// What it calls itself.
    pub title: String,
    /// How well its client's identity is proven.
    pub assurance: Assurance,
}

/// An agent's state changed, or what its client says of itself.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AgentChanged {
    /// The agent.
    pub agent: Id<Agent>,
    /// What it may do from now on, where that changed.
    pub state: Option<AgentState>,
    /// What it could do before.
    pub was: Option<AgentState>,
    /// How many grants ended with it.
    pub grants_ended: Option<u64>,
    /// Why, when nobody did it by hand.
    pub why: Option<WhyChanged>,
    /// The client it presents.
    pub client: Option<ClientId>,
    /// Who answers for it.
    pub owner: Option<Id<Person>>,
    /// Who answers for what it is for, where that changed; empty for nobody.
    pub sponsor: Option<String>,
    /// Whether nothing above the low tier stands for it from now on, where that changed.
    pub eligible_only: Option<bool>,
    /// What it calls itself.
    pub title: Option<String>,
    /// How well its client's identity is proven.
    pub assurance: Option<Assurance>,
}

/// A grant was made or got a new end.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct GrantMade {
    /// The grant.
    pub grant: Id<Grant>,
    /// The agent.
    pub agent: Id<Agent>,
    /// The person it acts for; none for an autonomous agent.
    pub person: Option<Id<Person>>,
    /// The server.
    pub server: Id<Server>,
    /// What stands: the baseline.
    pub scope: ScopeSet,
    /// Whether it is new.
    pub change: GrantChange,
    /// Until when at the latest.
    pub not_after: Text<Timestamp>,
}

/// What became of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantChange {
    /// It is new.
    Made,
    /// It has a new end.
    Extended,
}

/// Why an agent changed without anybody doing it by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhyChanged {
    /// The file does not declare it any more.
    TakenOutOfTheConfiguration,
}

impl GrantMade {
    /// `grant`, as it stands now.
    pub fn of(grant: &Grant, change: GrantChange) -> Self {
        let Grant { id, agent, person, server, scopes, not_after, .. } = grant.clone();
        Self { grant: id, agent, person, server, scope: scopes, change, not_after: not_after.into() }
    }
}

impl AgentRegistered {
    /// `agent`, as its client describes it.
    pub fn of(agent: &Agent) -> Self {
        let Agent { id, client, owner, sponsor, title, assurance, .. } = agent.clone();
        Self { agent: id, client, owner, sponsor, title, assurance }
    }
}

impl AgentChanged {
    /// Nothing of `agent` yet.
    fn nothing(agent: Id<Agent>) -> Self {
        Self {
            agent,
            state: None,
            was: None,
            grants_ended: None,
            why: None,
            client: None,
            owner: None,
            sponsor: None,
            eligible_only: None,
            title: None,
            assurance: None,
        }
    }

    /// It may do something else than before.
    pub fn state(agent: Id<Agent>, state: AgentState) -> Self {
        Self { state: Some(state), ..Self::nothing(agent) }
    }

    /// Nothing above the low tier stands for it from now on, or what policies say does again.
    pub fn eligible_only(agent: Id<Agent>, eligible_only: bool) -> Self {
        Self { eligible_only: Some(eligible_only), ..Self::nothing(agent) }
    }

    /// Somebody answers for what it is for, or nobody does any more.
    pub fn sponsor(agent: Id<Agent>, sponsor: Option<&Id<Person>>) -> Self {
        Self { sponsor: Some(sponsor.map(Id::to_string).unwrap_or_default()), ..Self::nothing(agent) }
    }

    /// Its client describes itself differently than before.
    pub fn described(agent: &Agent) -> Self {
        let AgentRegistered { agent, client, owner, sponsor, title, assurance } = AgentRegistered::of(agent);
        Self {
            client: Some(client),
            owner: Some(owner),
            sponsor: Some(sponsor.map(|sponsor| sponsor.to_string()).unwrap_or_default()),
            title: Some(title),
            assurance: Some(assurance),
            ..Self::nothing(agent)
        }
    }
}

impl WhyChanged {
    /// For people who read a list of changes.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::TakenOutOfTheConfiguration => {
                "taken out of the configuration; `agent resume` after it is declared again"
            }
        }
    }
}
