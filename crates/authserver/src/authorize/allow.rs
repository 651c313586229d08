//! What a consent does, in one transaction: the agent, its grant, its elevations, and the code or the wait.
//!
//! Spec: RFC 6749 §4.1.2; MCP 2026-07-28 basic/authorization (step-up).
//!
//! Next: `waiting`, when another person has to decide.

use std::sync::Arc;

use axum::response::Response;
use model::{
    Actor, Agent, AgentState, Elevation, ElevationState, Event, Grant, Id, Person, Scope, ScopeSet, StepUp,
    event::{AgentChanged, AgentRegistered, ConsentGiven, GrantChange, GrantMade},
};
use pages::{SignedIn, see_other};
use store::{Commit, StoreError, Tx};
use token::{Opaque, mint};

use super::{
    again::{self, CONSENT, Said},
    answer,
    plan::Plan,
    request::Wanted,
    ticket::Ticket,
    waiting::{self, Wait},
};
use crate::{
    cx::Cx,
    elevate::{self, Opened},
    error::{AuthorizeError, PageError},
    liveness::Acting,
};

/// A consent form that came back with "allow".
pub(super) struct Answered {
    pub(super) wanted: Wanted,
    pub(super) plan: Plan,
    pub(super) person: SignedIn,
    pub(super) reason: String,
    pub(super) ticket: Ticket,
}

enum Outcome {
    Code(Opaque),
    Waiting(Opaque),
    Refused(AuthorizeError),
    /// The form was answered before.
    Again,
    Stale,
}

/// Carries the consent out and sends the browser on.
pub(super) async fn allow(cx: &Arc<Cx>, answered: Answered) -> Result<Response, PageError> {
    let (back, person) = (answered.wanted.back.clone(), answered.person.clone());
    let (client, ticket) = (answered.wanted.client.clone(), answered.ticket.clone());
    let inner = cx.clone();
    let outcome = cx
        .store
        .write::<_, StoreError, _>(move |tx| Box::pin(async move { carry_out(&inner, tx, answered).await }))
        .await?;
    match outcome {
        Outcome::Code(code) => Ok(answer::code(cx, &back, &code)),
        Outcome::Waiting(flow) => Ok(see_other(&waiting::path(&flow))),
        Outcome::Refused(error) => answer::refused(cx, &person, &client, &back, error).await,
        Outcome::Again => again::given(cx, &ticket, &back, Said::Yes).await,
        Outcome::Stale => Err(PageError::Stale),
    }
}

/// Everything the consent does, in one transaction.
async fn carry_out(cx: &Cx, tx: &mut Tx<'_>, answered: Answered) -> Result<Commit<Outcome>, StoreError> {
    let Answered { wanted, plan, person, reason, ticket } = answered;
    let now = tx.now();
    if !tx.use_once(CONSENT, &ticket.number, ticket.not_after, now).await? {
        return Ok(Commit::nothing(Outcome::Again));
    }
    if !still(tx, &plan, &wanted, &person.person).await? {
        return Ok(Commit::nothing(Outcome::Stale));
    }
    let me = &person.person.id;
    let mut events = Vec::new();
    let agent = register(tx, &plan.agent, me, &mut events).await?;
    let (grant, made) = standing_grant(cx, tx, &agent, me, &wanted, &mut events).await?;
    let mut scopes = grant.scopes.clone();
    scopes.extend(plan.free.iter().chain(plan.held.iter().map(|elevation| &elevation.scope)).cloned());
    let mut beyond = made || !plan.free.is_empty();
    for scope in &plan.by_consent {
        let wanted = elevate::Wanted { agent: &agent, grant: &grant, scope, by: StepUp::Consent, reason: &reason };
        if let Opened::New(_, event) = elevate::consent(cx, tx, wanted, me).await? {
            events.push(event);
        }
        beyond = true;
        scopes.insert(scope.clone());
    }
    let mut pending: Vec<Id<Elevation>> = Vec::new();
    let mut denied = None;
    for scope in &plan.by_approval {
        let wanted = elevate::Wanted { agent: &agent, grant: &grant, scope, by: StepUp::Approval, reason: &reason };
        match elevate::request(cx, tx, wanted, Actor::Person(me.clone())).await? {
            Opened::Joined(elevation) if elevation.state == ElevationState::Active => scopes.insert(scope.clone()),
            Opened::Joined(elevation) => pending.push(elevation.id),
            Opened::New(elevation, event) => {
                events.push(event);
                pending.push(elevation.id);
            }
            Opened::Denied(elevation) => denied = Some(elevation),
            Opened::TooMany => return Ok(Commit::nothing(Outcome::Refused(AuthorizeError::TooManyPending))),
        }
    }
    // What was denied a short while ago is left out, and is the answer when it was all that was asked anew.
    if let (Some(denied), true, false) = (denied, pending.is_empty(), beyond) {
        return Ok(Commit::nothing(Outcome::Refused(AuthorizeError::ElevationDenied(denied))));
    }
    let consent = ConsentGiven {
        person: me.clone(),
        client: wanted.client.client.id.clone(),
        redirect_uri: wanted.back.redirect_uri.clone(),
        agent: agent.id.clone(),
        grant: grant.id.clone(),
        server: wanted.server.clone(),
        scope: scopes.clone(),
        asked: wanted.scopes.clone(),
    };
    events.insert(0, consent.by(Actor::Person(me.clone())));
    let due = Due { wanted: &wanted, agent: agent.id.clone(), grant: grant.id.clone(), scopes, person: &person };
    let outcome = if pending.is_empty() {
        let code = ticket.code(cx);
        events.push(Wait::of(&due, Vec::new(), true).issue_code(cx, tx, &code, due.scopes.clone()).await?);
        Outcome::Code(code)
    } else {
        let flow = ticket.flow(cx);
        waiting::begin(cx, tx, Wait::of(&due, pending, beyond), &flow, &person).await?;
        Outcome::Waiting(flow)
    };
    Ok(events.into_iter().fold(Commit::nothing(outcome), Commit::and))
}

/// Is what the plan relied on still so, now that nobody else can write?
async fn still(tx: &mut Tx<'_>, plan: &Plan, wanted: &Wanted, person: &Person) -> Result<bool, StoreError> {
    let (agent, client) = (&plan.agent, &wanted.client.client.id);
    let acting = Acting { agent, client, grant: plan.grant.as_ref(), server: &wanted.server };
    let person = tx.person(&person.id).await?;
    let alive = acting.is_alive(tx, person.as_ref(), tx.now()).await?.is_ok();
    let active = match tx.agent(&plan.agent.id).await? {
        Some(known) => known.state == AgentState::Active && known.client == plan.agent.client,
        None => true,
    };
    Ok(alive && active)
}

/// The agent, registered at its first consent and kept as its client describes itself.
async fn register(
    tx: &mut Tx<'_>,
    agent: &Agent,
    person: &Id<Person>,
    events: &mut Vec<Event>,
) -> Result<Agent, StoreError> {
    let actor = Actor::Person(person.clone());
    let event = match tx.agent(&agent.id).await? {
        Some(known) if known == *agent => return Ok(known),
        Some(_) => AgentChanged::described(agent).by(actor),
        None => AgentRegistered::of(agent).by(actor),
    };
    tx.put_agent(agent).await?;
    events.push(event);
    Ok(agent.clone())
}

/// The agent's one live grant on the server, made or given a new end. Says whether it was made.
async fn standing_grant(
    cx: &Cx,
    tx: &mut Tx<'_>,
    agent: &Agent,
    person: &Id<Person>,
    wanted: &Wanted,
    events: &mut Vec<Event>,
) -> Result<(Grant, bool), StoreError> {
    let now = tx.now();
    let not_after = now.after(cx.config.tokens.grant);
    let scopes: ScopeSet = [Scope::Low(wanted.server.clone())].into_iter().collect();
    let known = tx.live_grant(&agent.id, &wanted.server, now).await?;
    let made = known.is_none();
    let grant = match known {
        Some(grant) => {
            tx.extend_grant(&grant.id, &scopes, not_after).await?;
            Grant { scopes, not_after, ..grant }
        }
        None => {
            let grant = Grant {
                id: mint(),
                agent: agent.id.clone(),
                person: Some(person.clone()),
                server: wanted.server.clone(),
                scopes,
                created_at: now,
                not_after,
                ended_at: None,
            };
            tx.put_grant(&grant).await?;
            grant
        }
    };
    let change = if made { GrantChange::Made } else { GrantChange::Extended };
    events.push(GrantMade::of(&grant, change).by(Actor::Person(person.clone())));
    Ok((grant, made))
}

/// What a code is due for.
pub(super) struct Due<'a> {
    pub(super) wanted: &'a Wanted,
    pub(super) agent: Id<Agent>,
    pub(super) grant: Id<Grant>,
    pub(super) scopes: ScopeSet,
    pub(super) person: &'a SignedIn,
}
