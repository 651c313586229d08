//! Suspending, resuming and retiring agents.

use model::{Actor, Agent, AgentState, Event, EventName, Id};
use store::{Commit, Store};

use crate::GovernanceError;

/// Puts an agent into `state`. A retired agent never comes back, and its grants end with it.
pub async fn set_agent_state(
    store: &Store,
    id: &Id<Agent>,
    state: AgentState,
    actor: Actor,
) -> Result<(), GovernanceError> {
    let grants = if state == AgentState::Retired { store.grants_of(id).await? } else { Vec::new() };
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
                let mut ended = 0;
                for grant in &grants {
                    ended += u64::from(tx.end_grant(&grant.id, now).await?);
                }
                tx.bump_epoch().await?;
                let event = Event::new(EventName::AgentChanged, actor)
                    .with("agent", &id)
                    .with("state", state)
                    .with("was", agent.state)
                    .count("grants_ended", ended);
                Ok(Commit::with(event, ()))
            })
        })
        .await
}
