//! The consent page and its answer.
//!
//! Every authorization is shown, also one that was consented to before: a client on this computer may not be the one
//! it says it is, and privilege above the baseline is never remembered.
//!
//! Spec: MCP security best practices (consent UI requirements); OAuth 2.1 §7.13; threats A1.5, A1.8, A1.16.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use model::{
    Actor, Agent, AgentState, Elevation, ElevationState, Event, EventName, Grant, Id, Person, Scope, ScopeSet, StepUp,
};
use pages::{Form, FormTargets, Page, SignedIn, signed_in};
use store::{Commit, StoreError, Tx};
use token::{Opaque, mint};

use super::{
    answer,
    plan::{self, Plan},
    request::{self, Wanted},
    ticket,
    view::ConsentPage,
    waiting::{self, Wait},
};
use crate::{
    clients::shown,
    cx::Cx,
    elevate::{self, Opened},
    error::{AuthorizeError, PageError},
};

/// The page, with a form that only `person` in this session can answer, once.
pub(super) fn page(
    cx: &Cx,
    query: &str,
    wanted: &Wanted,
    plan: &Plan,
    person: &SignedIn,
    complaint: Option<&'static str>,
) -> Response {
    let mut content = ConsentPage::of(cx, wanted, plan);
    content.csrf = person.csrf.text();
    content.ticket = ticket::seal(cx, query, plan.shown(), person);
    content.person = person.person.display_name.clone();
    content.complaint = complaint;
    Page::new("Allow access?", &content).of(person).forms_lead(FormTargets::Onward).into_response()
}

/// `POST /oauth/consent`
///
/// Spec: threats A1.5 (the approval is single use and bound to the exact request)
pub(crate) async fn decide(cx: &Arc<Cx>, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    cx.store.freshness()?;
    let person = signed_in(&cx.store, cx.cookies, headers).await?.ok_or(PageError::Stale)?;
    person.csrf.check(headers, &cx.config.public_url, form).map_err(|_| PageError::Forged)?;
    let ticket = ticket::open(cx, form.require("ticket")?, &person)?;
    let query = request::parse(&ticket.query)?;
    let addressed = request::addressed(cx, &query).await?;
    let wanted = match request::wanted(cx, &addressed, &query) {
        Ok(wanted) => wanted,
        Err(error) => return Ok(answer::error(cx, &addressed.back, &error)),
    };
    let plan = match plan::plan(cx, &wanted, &person.person).await? {
        Ok(plan) => plan,
        Err(error) => return Ok(answer::error(cx, &wanted.back, &error)),
    };
    if form.value("decision") != Some("allow") {
        return refuse(cx, &ticket.number, ticket.not_after, &wanted, &person).await;
    }
    let again = |complaint| Ok(page(cx, &ticket.query, &wanted, &plan, &person, Some(complaint)));
    if plan.shown() != ticket.shown {
        return again("What would be granted has changed since this page was shown. Please look again.");
    }
    let reason = shown(form.value("reason").unwrap_or_default(), 500);
    if reason.is_empty() && !plan.by_approval.is_empty() {
        return again("Say in a few words why this is needed: it is what the approver reads.");
    }
    let reason = if reason.is_empty() { format!("asked for by {}", plan.agent.title) } else { reason };
    let answered = Answered { wanted, plan, person, reason, number: ticket.number, not_after: ticket.not_after };
    allow(cx, answered).await
}

struct Answered {
    wanted: Wanted,
    plan: Plan,
    person: SignedIn,
    reason: String,
    number: String,
    not_after: model::Timestamp,
}

enum Outcome {
    Code(Opaque),
    Waiting(Opaque),
    TooMany,
    Stale,
}

async fn allow(cx: &Arc<Cx>, answered: Answered) -> Result<Response, PageError> {
    let back = answered.wanted.back.clone();
    let inner = cx.clone();
    let outcome = cx
        .store
        .write::<_, StoreError, _>(move |tx| Box::pin(async move { carry_out(&inner, tx, answered).await }))
        .await?;
    match outcome {
        Outcome::Code(code) => Ok(answer::code(cx, &back, &code)),
        Outcome::Waiting(flow) => Ok(pages::see_other(&waiting::path(&flow))),
        Outcome::TooMany => Ok(answer::error(cx, &back, &AuthorizeError::TooManyPending)),
        Outcome::Stale => Err(PageError::Stale),
    }
}

/// Everything the consent does, in one transaction.
async fn carry_out(cx: &Cx, tx: &mut Tx<'_>, answered: Answered) -> Result<Commit<Outcome>, StoreError> {
    let Answered { wanted, plan, person, reason, number, not_after } = answered;
    let now = tx.now();
    if !tx.use_once("consent", &number, not_after, now).await? || !still(tx, &plan, &person.person).await? {
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
    for scope in &plan.by_approval {
        let wanted = elevate::Wanted { agent: &agent, grant: &grant, scope, by: StepUp::Approval, reason: &reason };
        match elevate::request(cx, tx, wanted, Actor::Person(me.to_string())).await? {
            Opened::Joined(elevation) if elevation.state == ElevationState::Active => scopes.insert(scope.clone()),
            Opened::Joined(elevation) => pending.push(elevation.id),
            Opened::New(elevation, event) => {
                events.push(event);
                pending.push(elevation.id);
            }
            Opened::TooMany => return Ok(Commit::nothing(Outcome::TooMany)),
        }
    }
    let consent = consent_event(EventName::ConsentGiven, me, &wanted)
        .with("agent", &agent.id)
        .with("grant", &grant.id)
        .with("server", &wanted.server)
        .with("scope", &scopes)
        .with("asked", &wanted.scopes);
    events.insert(0, consent);
    let due = Due { wanted: &wanted, agent: agent.id.clone(), grant: grant.id.clone(), scopes, person: &person };
    let outcome = if pending.is_empty() {
        let (code, event) = due.code(cx, tx).await?;
        events.push(event);
        Outcome::Code(code)
    } else {
        Outcome::Waiting(waiting::begin(cx, tx, Wait::of(&due, pending, beyond), &person).await?)
    };
    Ok(events.into_iter().fold(Commit::nothing(outcome), Commit::and))
}

/// Is what the plan relied on still so, now that nobody else can write?
async fn still(tx: &mut Tx<'_>, plan: &Plan, person: &Person) -> Result<bool, StoreError> {
    let enabled = tx.person(&person.id).await?.is_some_and(|person| !person.disabled);
    let active = match tx.agent(&plan.agent.id).await? {
        Some(known) => known.state == AgentState::Active && known.client == plan.agent.client,
        None => true,
    };
    Ok(enabled && active)
}

/// The agent, registered at its first consent and kept as its client describes itself.
async fn register(
    tx: &mut Tx<'_>,
    agent: &Agent,
    person: &Id<Person>,
    events: &mut Vec<Event>,
) -> Result<Agent, StoreError> {
    let name = match tx.agent(&agent.id).await? {
        Some(known) if known == *agent => return Ok(known),
        Some(_) => EventName::AgentChanged,
        None => EventName::AgentRegistered,
    };
    tx.put_agent(agent).await?;
    let event = Event::new(name, Actor::Person(person.to_string()))
        .with("agent", &agent.id)
        .with("client", &agent.client)
        .with("owner", &agent.owner)
        .with("title", &agent.title)
        .with("assurance", agent.assurance);
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
    let event = Event::new(EventName::GrantMade, Actor::Person(person.to_string()))
        .with("grant", &grant.id)
        .with("agent", &agent.id)
        .with("person", person)
        .with("server", &grant.server)
        .with("scope", &grant.scopes)
        .with("change", if made { "made" } else { "extended" })
        .with("not_after", grant.not_after);
    events.push(event);
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

impl Due<'_> {
    async fn code(&self, cx: &Cx, tx: &mut Tx<'_>) -> Result<(Opaque, Event), StoreError> {
        Wait::of(self, Vec::new(), true).issue_code(cx, tx, self.scopes.clone()).await
    }
}

async fn refuse(
    cx: &Cx,
    number: &str,
    not_after: model::Timestamp,
    wanted: &Wanted,
    person: &SignedIn,
) -> Result<Response, PageError> {
    let event = consent_event(EventName::ConsentRefused, &person.person.id, wanted)
        .with("server", &wanted.server)
        .with("asked", &wanted.scopes);
    let number = number.to_owned();
    let fresh = cx
        .store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                match tx.use_once("consent", &number, not_after, now).await? {
                    true => Ok(Commit::with(event, true)),
                    false => Ok(Commit::nothing(false)),
                }
            })
        })
        .await?;
    if fresh { Ok(answer::error(cx, &wanted.back, &AuthorizeError::Refused)) } else { Err(PageError::Stale) }
}

fn consent_event(name: EventName, person: &Id<Person>, wanted: &Wanted) -> Event {
    Event::new(name, Actor::Person(person.to_string()))
        .with("person", person)
        .with("client", &wanted.client.client.id)
        .with("redirect_uri", &wanted.back.redirect_uri)
}
