//! Whether anything may be issued under a grant right now.
//!
//! Spec: RFC 9700 §4.14 (never above the grant, as it stands now).

use model::{Agent, AgentKind, AgentState, ClientId, Grant, Person, Timestamp, block::Covered};
use store::{Store, Tx};

use crate::error::{TokenError, state_words};

/// Why nothing is issued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Dead {
    #[error("the grant has ended; authorize again")]
    GrantEnded,
    #[error("the agent is {}", state_words(*.0))]
    AgentNotActive(AgentState),
    #[error("the agent is not known here")]
    AgentUnknown,
    #[error("the person behind this agent is disabled")]
    PersonDisabled,
    #[error("access is blocked: {0}")]
    Blocked(&'static str),
}

impl Dead {
    /// The stable word in the audit.
    pub(crate) fn cause(&self) -> &'static str {
        match self {
            Self::GrantEnded => "grant_ended",
            Self::AgentNotActive(_) => "agent_not_active",
            Self::AgentUnknown => "agent_unknown",
            Self::PersonDisabled => "person_disabled",
            Self::Blocked(_) => "blocked",
        }
    }
}

/// The agent of `grant`, when everything that must be alive is. `issued_at` is when the code or refresh token
/// that is presented was made: what was issued before a block stays dead after it is lifted.
pub(crate) async fn check(
    store: &Store,
    tx: &mut Tx<'_>,
    grant: &Grant,
    client: &ClientId,
    issued_at: Timestamp,
) -> Result<Agent, TokenError> {
    let agent = tx.agent(&grant.agent).await?.ok_or(Dead::AgentUnknown)?;
    let owner = tx.person(&agent.owner).await?;
    check_agent(store, &agent, owner.as_ref(), client, Some(grant), &grant.server, issued_at)?;
    if !grant.is_live(tx.now()) {
        return Err(Dead::GrantEnded.into());
    }
    Ok(agent)
}

/// The same for an agent that may not have a grant yet.
pub(crate) fn check_agent(
    store: &Store,
    agent: &Agent,
    owner: Option<&Person>,
    client: &ClientId,
    grant: Option<&Grant>,
    server: &model::Id<model::Server>,
    issued_at: Timestamp,
) -> Result<(), Dead> {
    if agent.state != AgentState::Active {
        return Err(Dead::AgentNotActive(agent.state));
    }
    if owner.is_none_or(|owner| owner.disabled) {
        return Err(Dead::PersonDisabled);
    }
    let what = Covered {
        agent: &agent.id,
        person: (agent.kind == AgentKind::Delegated).then_some(&agent.owner),
        owner: &agent.owner,
        client,
        grant: grant.map(|grant| &grant.id),
        server,
        tool: None,
    };
    match store.blocks().iter().find(|block| block.stops(&what, issued_at)) {
        Some(block) => Err(Dead::Blocked(block.target.kind())),
        None => Ok(()),
    }
}
