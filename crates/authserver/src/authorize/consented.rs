//! What a consent does, in one transaction: the agent, its grant, its elevations, and the code or the wait.
//!
//! Spec: RFC 6749 §4.1.2; MCP 2026-07-28 basic/authorization (step-up).
//!
//! Next: `waiting`, when another person has to decide.

use std::sync::Arc;

use axum::response::Response;
use crypto::Opaque;
use login::SignedIn;
use model::{Actor, AgentState, Elevation, ElevationState, Id, StepUp, event::ConsentGiven};
use privilege::{
    agent, asked_call,
    elevation::open::{self, Asking, ElevationWish, Opened},
    grant::{self, Consented},
};
use store::{Commit, StoreError, Tx};
use web::{BadPage, see_other};

use super::{
    code_request::CodeRequest,
    for_task::{self, Given, NotGiven},
    plan::Plan,
    redirect,
    repeated::{self, CONSENT, Said},
    request::AuthorizeRequest,
    ticket::Ticket,
    waiting::{self, Wait},
};
use crate::{
    context::Context,
    error::{AuthorizeError, PageError},
    liveness,
};

/// A consent form that came back with "allow".
pub(super) struct ConsentAnswer {
    pub(super) wanted: AuthorizeRequest,
    pub(super) plan: Plan,
    pub(super) person: SignedIn,
    pub(super) reason: String,
    pub(super) ticket: Ticket,
}

enum Outcome {
    Code(Opaque),
    Waiting(Opaque),
    Refused(AuthorizeError),
    /// What the person asked for on the page can not be had: it is theirs to hear, and not their client's.
    NotOpened(AuthorizeError),
    /// The form was answered before.
    Again,
    Stale,
}

/// Carries the consent out and sends the browser on.
pub(super) async fn allow(cx: &Arc<Context>, answered: ConsentAnswer) -> Result<Response, PageError> {
    let (back, person) = (answered.wanted.back.clone(), answered.person.clone());
    let (client, ticket) = (answered.wanted.client.clone(), answered.ticket.clone());
    let inner = cx.clone();
    let outcome = cx
        .store
        .write::<_, StoreError, _>(move |tx| Box::pin(async move { carry_out(&inner, tx, answered).await }))
        .await?;
    match outcome {
        Outcome::Code(code) => Ok(redirect::code(cx, &back, &code)),
        Outcome::Waiting(flow) => Ok(see_other(&waiting::path(&flow))),
        Outcome::NotOpened(error) => Err(PageError::StepUp(error)),
        Outcome::Refused(error) => redirect::refused(cx, &person, &client, &back, error).await,
        Outcome::Again => repeated::given(cx, &ticket, &back, Said::Yes).await,
        Outcome::Stale => Err(BadPage::Stale.into()),
    }
}

/// Everything the consent does, in one transaction.
async fn carry_out(cx: &Context, tx: &mut Tx<'_>, answered: ConsentAnswer) -> Result<Commit<Outcome>, StoreError> {
    let ConsentAnswer { wanted, plan, person, reason, ticket } = answered;
    let now = tx.now();
    if !tx.use_once(CONSENT, &ticket.number, ticket.not_after, now).await? {
        return Ok(Commit::nothing(Outcome::Again));
    }
    if !still(tx, &plan, &wanted).await? {
        return Ok(Commit::nothing(Outcome::Stale));
    }
    let me = &person.person.id;
    let mut events = Vec::new();
    let agent = plan.agent.clone();
    events.extend(agent::register(tx, &agent, Actor::Person(me.clone())).await?);
    let Consented { grant, is_new, event } =
        grant::consent(tx, &agent, me, &wanted.server, cx.config.tokens.grant).await?;
    events.push(event);
    let given = match for_task::give(tx, &plan.for_task, (&agent, &grant), me).await? {
        Ok(given) => given,
        Err(NotGiven::Over) => return Ok(Commit::nothing(Outcome::Stale)),
        Err(NotGiven::Refused(refused)) => {
            let error = AuthorizeError::Task(refused);
            return Ok(Commit::nothing(match wanted.task {
                Some(_) => Outcome::Refused(error),
                None => Outcome::NotOpened(error),
            }));
        }
    };
    let Given { task: of_task, is_of_token, event } = given;
    events.extend(event);
    let mut scopes = grant.scopes.clone();
    scopes.extend(plan.free.iter().chain(plan.held.iter().map(|elevation| &elevation.scope)).cloned());
    let mut beyond = is_new || !plan.free.is_empty();
    for scope in &plan.by_consent {
        let by = StepUp::Consent;
        let task = of_task.as_ref();
        let wanted = ElevationWish { agent: &agent, grant: &grant, scope, call: None, by, reason: &reason, task };
        if let Opened::New(_, event) = open::consent(&cx.config.elevation, tx, wanted, me).await? {
            events.push(event);
        }
        beyond = true;
        scopes.insert(scope.clone());
    }
    let mut pending: Vec<Id<Elevation>> = Vec::new();
    let mut denied = None;
    let installation = crypto::mint();
    for to_approve in &plan.by_approval {
        let (scope, by, call) = (&to_approve.scope, StepUp::Approval, to_approve.exactly(&installation));
        let task = match &to_approve.call {
            Some((asked, _)) => asked_call::task_of(tx, asked).await?,
            None => Ok(of_task.clone()),
        };
        // It was called for a piece of work that ended while the page was read.
        let Ok(task) = task else { return Ok(Commit::nothing(Outcome::Stale)) };
        let wanted = ElevationWish {
            agent: &agent,
            grant: &grant,
            scope,
            call: call.as_ref(),
            by,
            reason: &reason,
            task: task.as_ref(),
        };
        match open::request(Asking::of(&cx.config, &cx.policies, scope), tx, wanted, Actor::Person(me.clone())).await? {
            Opened::Joined(elevation) if elevation.state() == ElevationState::Active => scopes.insert(scope.clone()),
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
        task: of_task.as_ref().map(|task| task.id.clone()),
    };
    events.insert(0, consent.by(Actor::Person(me.clone())));
    let due = CodeRequest {
        wanted: &wanted,
        agent: agent.id.clone(),
        grant: grant.id.clone(),
        installation,
        scopes,
        task: of_task.filter(|_| is_of_token).map(|task| task.id),
        person: &person,
    };
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
async fn still(tx: &mut Tx<'_>, plan: &Plan, wanted: &AuthorizeRequest) -> Result<bool, StoreError> {
    let (agent, client) = (&plan.agent, &wanted.client.client.id);
    let acting = liveness::acting(agent, client, plan.grant.as_ref(), &wanted.server);
    let now = tx.now();
    let alive = liveness::is_alive(tx, &acting, now).await?.is_ok();
    let active = match tx.agent(&plan.agent.id).await? {
        Some(known) => known.state == AgentState::Active && known.client == plan.agent.client,
        None => true,
    };
    Ok(alive && active)
}
