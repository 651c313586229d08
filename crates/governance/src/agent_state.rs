//! Suspending, resuming and retiring agents.

use model::{Actor, Agent, AgentState, Id, event::AgentChanged};
use store::{Commit, Store};

use crate::GovernanceError;

/// Puts an agent into `state`. A retired agent never comes back, and its grants end with it.
pub async fn set_agent_state(
    store: &Store,
    id: &Id<Agent>,
    state: AgentState,
    actor: Actor,
) -> Result<(), GovernanceError> {
    let id = id.clone();
    store
        .write(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                let Some(agent) = tx.agent(&id).await? else {
                    let hint = "`portcullis agent list` shows them all".to_owned();
                    return Err(GovernanceError::UnknownName { kind: "agent", name: id.to_string(), hint });
                };
                if agent.state == AgentState::Retired {
                    return Err(GovernanceError::Retired(id.to_string()));
                }
                if !tx.set_agent_state(&id, state).await? {
                    return Err(GovernanceError::Unchanged { agent: id.to_string(), state: agent.state });
                }
                let ended = if state == AgentState::Retired { tx.end_grants_of_agent(&id, now).await? } else { 0 };
                tx.bump_epoch().await?;
                let changed = AgentChanged {
                    was: Some(agent.state),
                    grants_ended: Some(ended),
                    ..AgentChanged::state(id, state)
                };
                Ok(Commit::with(changed.by(actor), ()))
            })
        })
        .await
}
