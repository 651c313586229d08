//! Client credentials: an autonomous agent, declared by the operator, acting for itself.
//!
//! The baseline comes at once. For more, an elevation is requested and the answer is
//! `authorization_pending` until a person has decided; then the same request gets the token, or `access_denied`.
//! An agent that can not poll, because its SDK takes that for the end, gets what can be had now (`pending: token`).
//!
//! Spec: RFC 6749 §4.4; MCP extension oauth-client-credentials.
//! Differs: `authorization_pending` with `elevation_id` and `interval` (docs/divergences.md).

use std::sync::Arc;

use crypto::mint;
use model::shown;
use model::{
    Actor, Agent, Elevation, ElevationState, Event, ExactCall, Grant, GrantType, Id, Scope, ScopeSet, Server, StepUp,
    Task, config::WhilePending,
};
use oauth::{
    Form, TokenResponse,
    task_details::{self, TaskDetails},
};
use privilege::{
    asked_call,
    authority::Need,
    elevation::open::{self, Asking, ElevationWish, Opened},
    grant,
};
use store::{Commit, StoreError, Tx};

use crate::{
    client_auth::Authenticated,
    context::Context,
    error::TokenError,
    issue::{self, Issued, Order, Renewal},
    liveness::{self, Dead},
    resource::{self, ResourceError},
    scopes::{self, Proving},
    task,
};

/// A token for the declared agent, or the elevation it has to wait for.
pub(super) async fn redeem(
    cx: Arc<Context>,
    client: Arc<Authenticated>,
    form: Form,
) -> Result<TokenResponse, TokenError> {
    let agent = client.client.declared.clone().ok_or(TokenError::GrantNotForClient)?;
    let server = server(&cx, &agent, &form)?;
    let asked = scopes::parse(form.value("scope"), &server)?.or_baseline(&server);
    let task = form.value("authorization_details").map(task_details::parse).transpose()?;
    let request =
        Request { client, agent, server, asked, task, reason: shown(form.value("reason").unwrap_or_default(), 500) };
    let inner = cx.clone();
    let outcome = cx.store.write(move |tx| Box::pin(async move { in_transaction(&inner, tx, request).await })).await?;
    match outcome {
        Outcome::Issued(issued, waiting) => Ok(TokenResponse { elevation_id: waiting, ..issued.sign(&cx)? }),
        Outcome::Waiting(elevation) => {
            let asked = cx.store.elevation(&elevation).await?;
            let number = asked.and_then(|asked| cx.store.matching_number(&asked));
            Err(TokenError::Pending(elevation, number))
        }
    }
}

struct Request {
    client: Arc<Authenticated>,
    agent: Id<Agent>,
    server: Id<Server>,
    asked: ScopeSet,
    task: Option<TaskDetails>,
    reason: String,
}

enum Outcome {
    /// With what is still waited for, for agents that do not poll.
    Issued(Box<Issued>, Option<Id<Elevation>>),
    Waiting(Id<Elevation>),
}

async fn in_transaction(cx: &Context, tx: &mut Tx<'_>, request: Request) -> Result<Commit<Outcome>, TokenError> {
    let tx = &mut request.client.begin(tx).await?;
    let client = &request.client.client.client.id;
    let agent = tx.agent(&request.agent).await?.ok_or(Dead::AgentUnknown)?;
    let now = tx.now();
    liveness::is_alive(tx, &liveness::acting(&agent, client, None, &request.server), now).await??;
    let possible = scopes::plan(cx, &agent, &request.server, &request.asked, Proving::Now(request.client.key()))?;
    let lasts = cx.config.tokens.grant;
    let actor = Actor::Agent(agent.id.clone());
    let (grant, made) = grant::find_or_make(tx, (&agent, None), &request.server, lasts, actor).await?;
    let mut events: Vec<Event> = made.into_iter().collect();
    let mut task = None;
    if let Some(details) = request.task {
        let (found, opened) = task::asked_for(tx, details, &agent, &grant).await.map_err(TokenError::Task)?;
        task = Some(found);
        events.extend(opened);
    }
    let purpose = task.as_ref().map_or(&agent.purpose, |task| &task.purpose);
    let reason = if request.reason.is_empty() { purpose } else { &request.reason };
    let carries_on = cx.config.agents.get(&agent.id).is_some_and(|agent| agent.pending == WhilePending::Token);
    let mut waiting = None;
    for (scope, need) in &possible {
        let Need::Elevation(by) = *need else { continue };
        let (call, called_in) = match exactly(cx, tx, &grant, (scope, by), task.as_ref()).await? {
            Ok(exactly) => exactly,
            // It makes the call first, which is refused, and asks again.
            Err(_) if carries_on || possible.len() > 1 => continue,
            Err(error) => return Err(error),
        };
        let wanted = ElevationWish {
            agent: &agent,
            grant: &grant,
            scope,
            call: call.as_ref(),
            by,
            reason,
            task: called_in.as_ref(),
        };
        match open::request(Asking::of(&cx.config, &cx.policies, scope), tx, wanted, Actor::Agent(agent.id.clone()))
            .await?
        {
            Opened::Joined(elevation) if elevation.state() == ElevationState::Active => {}
            Opened::Joined(elevation) => waiting = waiting.or(Some(elevation.id)),
            Opened::New(elevation, event) => {
                events.push(event);
                waiting = waiting.or(Some(elevation.id));
            }
            // It is told so by the call for which it would have been.
            Opened::Denied(_) | Opened::TooMany if carries_on => {}
            Opened::Denied(elevation) => return Err(TokenError::Denied(elevation)),
            Opened::TooMany => return Err(TokenError::TooManyPending),
        }
    }
    if let Some(elevation) = waiting.clone().filter(|_| !carries_on) {
        return match events.is_empty() {
            true => {
                let asked = tx.elevation(&elevation).await?;
                let number = asked.and_then(|asked| cx.store.matching_number(&asked));
                Err(TokenError::Pending(elevation, number))
            }
            false => Ok(commit(events, Outcome::Waiting(elevation))),
        };
    }
    let order = Order {
        resource: cx.config.public_url.resource(&request.server),
        client: client.clone(),
        asked: possible.into_iter().map(|(scope, _)| scope).collect(),
        agent,
        baseline: grant.scopes.clone(),
        grant,
        // Each token on its own: processes of one agent share nothing but the key.
        installation: mint(),
        grant_type: GrantType::ClientCredentials,
        lasts: cx.config.tokens.client_credentials,
        at_latest: None,
        renewal: Renewal::No,
        task,
        word: None,
    };
    let (event, issued) = issue::issue(cx, tx, order).await?;
    events.push(event);
    Ok(commit(events, Outcome::Issued(Box::new(issued), waiting)))
}

/// The newest call that was refused for want of `scope`, where an approval covers one call. Whoever holds the key of the
/// agent may make it: its tokens are one installation each. It belongs to the task in which it was called, whatever the token
/// belongs to; what is for any call belongs to the task of the token.
async fn exactly(
    cx: &Context,
    tx: &mut Tx<'_>,
    grant: &Grant,
    (scope, by): (&Scope, StepUp),
    task: Option<&Task>,
) -> Result<Result<(Option<ExactCall>, Option<Task>), TokenError>, StoreError> {
    let is_exact = cx.config.servers.get(scope.server()).is_none_or(|rules| asked_call::is_exact(rules, scope));
    if by != StepUp::Approval || !is_exact {
        return Ok(Ok((None, task.cloned())));
    }
    let now = tx.now();
    let newest = tx.newest_asked_call(&grant.id, scope, now).await?;
    let elevation = tx.newest_elevation(&grant.id, scope).await?;
    let asked = match asked_call::to_ask_for(&cx.config.elevation, newest, elevation, now) {
        Some(id) => tx.asked_call(&id).await?,
        None => None,
    };
    Ok(match asked {
        Some(asked) => match asked_call::task_of(tx, &asked).await? {
            Ok(called_in) => Ok((Some(ExactCall { installation: None, ..ExactCall::from(&asked) }), called_in)),
            Err(_) => Err(TokenError::NotCalled(scope.clone())),
        },
        None => Err(TokenError::NotCalled(scope.clone())),
    })
}

fn commit(events: Vec<Event>, outcome: Outcome) -> Commit<Outcome> {
    events.into_iter().fold(Commit::nothing(outcome), Commit::and)
}

/// Spec: RFC 8707 §2.2
fn server(cx: &Context, agent: &Id<Agent>, form: &Form) -> Result<Id<Server>, TokenError> {
    let declared = cx.config.agents.get(agent).map(|agent| &agent.servers);
    let mut servers = declared.into_iter().flatten();
    let only = match (servers.next(), servers.next()) {
        (Some(only), None) => Some(only.as_str()),
        _ => None,
    };
    let server = match resource::asked(&cx.config, form, only) {
        Err(ResourceError::Pinned) => return Err(ResourceError::NotDeclared.into()),
        other => other?,
    };
    match declared.is_some_and(|servers| servers.contains(&server)) {
        true => Ok(server),
        false => Err(ResourceError::NotDeclared.into()),
    }
}
