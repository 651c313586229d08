//! Agents: first seen, described anew, suspended, resumed, retired.

use model::{
    Actor, Agent, AgentKind, AgentState, Event, Id, Person,
    event::{AgentChanged, AgentRegistered},
};
use store::{StoreError, Tx, privilege::PrivilegeTx};

use crate::Refused;

/// Keeps `agent` as its client describes itself today; no event when it is known like that.
///
/// Of an agent that is known, the state, the time it was first seen and whether it is only eligible stay; of one that acts for a
/// person, its sponsor, too, which no client says.
pub async fn register(tx: &mut Tx<'_>, agent: &Agent, actor: Actor) -> Result<Option<Event>, StoreError> {
    let (agent, event) = match tx.agent(&agent.id).await? {
        Some(known) => {
            let Agent { state, created_at, eligible_only, .. } = known;
            let sponsor = if agent.kind == AgentKind::Delegated { &known.sponsor } else { &agent.sponsor };
            let agent = Agent { state, created_at, eligible_only, sponsor: sponsor.clone(), ..agent.clone() };
            if known == agent {
                return Ok(None);
            }
            let event = AgentChanged::described(&agent).by(actor);
            (agent, event)
        }
        None => (agent.clone(), AgentRegistered::of(agent).by(actor)),
    };
    PrivilegeTx::of(tx).put_agent(&agent).await?;
    Ok(Some(event))
}

/// Puts an agent into `state`. A retired agent never comes back, and its grants end with it.
pub async fn set_state(tx: &mut Tx<'_>, id: Id<Agent>, state: AgentState, actor: Actor) -> Result<Event, Refused> {
    let now = tx.now();
    let agent = known(tx, &id).await?;
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

/// Makes of what stands above the low tier for an agent what it has to ask for, or takes that back. What it holds by
/// elevations stays; the next call is decided anew.
pub async fn set_eligible_only(
    tx: &mut Tx<'_>,
    id: Id<Agent>,
    eligible_only: bool,
    actor: Actor,
) -> Result<Event, Refused> {
    known(tx, &id).await?;
    if !PrivilegeTx::of(tx).set_eligible_only(&id, eligible_only).await? {
        return Err(Refused::EligibleAlready { agent: id.to_string(), eligible_only });
    }
    Ok(AgentChanged::eligible_only(id, eligible_only).by(actor))
}

/// Says who answers for what an agent is for; `None` for nobody. Of one that the configuration declares, that says it.
pub async fn set_sponsor(
    tx: &mut Tx<'_>,
    id: Id<Agent>,
    sponsor: Option<Id<Person>>,
    actor: Actor,
) -> Result<Event, Refused> {
    let agent = known(tx, &id).await?;
    if agent.kind == AgentKind::Autonomous {
        return Err(Refused::Declared { agent: id.to_string(), setting: "sponsor" });
    }
    if let Some(person) = &sponsor {
        let found = tx.person(person).await?;
        if found.is_none_or(|found| found.disabled) {
            let hint = "`portcullis person list` shows them all".to_owned();
            return Err(Refused::UnknownName { kind: "person", name: person.to_string(), hint });
        }
    }
    if agent.sponsor == sponsor {
        return Err(Refused::SponsorAlready { agent: id.to_string(), sponsor: sponsor.map(|who| who.to_string()) });
    }
    let event = AgentChanged::sponsor(id, sponsor.as_ref()).by(actor);
    PrivilegeTx::of(tx).put_agent(&Agent { sponsor, ..agent }).await?;
    Ok(event)
}

/// The agent of that name, unless it is retired.
async fn known(tx: &mut Tx<'_>, id: &Id<Agent>) -> Result<Agent, Refused> {
    let Some(agent) = tx.agent(id).await? else {
        let hint = "`portcullis agent list` shows them all".to_owned();
        return Err(Refused::UnknownName { kind: "agent", name: id.to_string(), hint });
    };
    if agent.state == AgentState::Retired { Err(Refused::Retired(id.to_string())) } else { Ok(agent) }
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
