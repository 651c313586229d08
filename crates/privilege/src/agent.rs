//! Agents: first seen, described anew, suspended, resumed, retired.

use model::{
    Actor, Agent, AgentState, Event, Id,
    event::{AgentChanged, AgentRegistered},
};
use store::{StoreError, Tx, privilege::PrivilegeTx};

use crate::Refused;

/// Keeps `agent` as its client describes itself today; no event when it is known like that.
///
/// Of an agent that is known, the state and the time it was first seen stay.
pub async fn register(tx: &mut Tx<'_>, agent: &Agent, actor: Actor) -> Result<Option<Event>, StoreError> {
    let event = match tx.agent(&agent.id).await? {
        Some(known) if known == (Agent { state: known.state, created_at: known.created_at, ..agent.clone() }) => {
            return Ok(None);
        }
        Some(_) => AgentChanged::described(agent).by(actor),
        None => AgentRegistered::of(agent).by(actor),
    };
    PrivilegeTx::of(tx).put_agent(agent).await?;
    Ok(Some(event))
}

/// Puts an agent into `state`. A retired agent never comes back, and its grants end with it.
pub async fn set_state(tx: &mut Tx<'_>, id: Id<Agent>, state: AgentState, actor: Actor) -> Result<Event, Refused> {
    let now = tx.now();
    let Some(agent) = tx.agent(&id).await? else {
        let hint = "`portcullis agent list` shows them all".to_owned();
        return Err(Refused::UnknownName { kind: "agent", name: id.to_string(), hint });
    };
    if agent.state == AgentState::Retired {
        return Err(Refused::Retired(id.to_string()));
    }
    if !PrivilegeTx::of(tx).set_agent_state(&id, state).await? {
        return Err(Refused::Unchanged { agent: id.to_string(), state: agent.state });
    }
    let ended = if state == AgentState::Retired { PrivilegeTx::of(tx).end_grants_of_agent(&id, now).await? } else { 0 };
    if state == AgentState::Retired {
        PrivilegeTx::of(tx).end_exceptions_of_agent(&id).await?;
    }
    if state != AgentState::Active {
        PrivilegeTx::of(tx).end_tasks_of_agent(&id).await?;
    }
    tx.bump_epoch().await?;
    let changed = AgentChanged { was: Some(agent.state), grants_ended: Some(ended), ..AgentChanged::state(id, state) };
    Ok(changed.by(actor))
}

/// Suspends an agent that the configuration does not declare any more; no event when it was not active.
pub async fn withdraw(tx: &mut Tx<'_>, id: Id<Agent>) -> Result<Option<Event>, StoreError> {
    use model::event::WhyChanged::TakenOutOfTheConfiguration;
    if !PrivilegeTx::of(tx).set_agent_state(&id, AgentState::Suspended).await? {
        return Ok(None);
    }
    PrivilegeTx::of(tx).end_tasks_of_agent(&id).await?;
    let changed =
        AgentChanged { why: Some(TakenOutOfTheConfiguration), ..AgentChanged::state(id, AgentState::Suspended) };
    Ok(Some(changed.by(Actor::System)))
}
