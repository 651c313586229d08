//! The page that waits for another person, and continues by itself.
//!
//! It holds what the code will be issued for. When every request on it is decided the browser goes back to the
//! client: with a code when something was approved or the consent itself granted something, otherwise with
//! `access_denied` and the name of the elevation.
//!
//! Spec: MCP 2026-07-28 basic/authorization (step-up). No document says how a browser waits for a second person.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use crypto::{Digest, Opaque};
use http::HeaderMap;
use login::{SignedIn, signed_in};
use model::{
    Actor, Agent, ClientId, Elevation, ElevationState, Event, Grant, Id, Installation, Scope, ScopeSet, Span, Task,
    Thumbprint, Timestamp, event::CodeIssued,
};
use oauth::Form;
use serde::{Deserialize, Serialize};
use store::{Code, Commit, Flow, StoreError, Tx, secrets::Vault};
use web::{BadPage, CSRF_FIELD, LocalPath, Page, login_first};

use super::{
    code_request::CodeRequest,
    redirect,
    request::RedirectTarget,
    view::{Waiting, WaitingPage},
};
use crate::{
    context::Context,
    error::{AuthorizeError, PageError},
    paths,
};

/// What is waited for, as stored with the flow.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Wait {
    client: ClientId,
    client_name: String,
    redirect_uri: String,
    state: Option<String>,
    challenge: String,
    resource: String,
    agent: Id<Agent>,
    grant: Id<Grant>,
    /// What the code and all that comes of it belong to. An approved call is good for it alone.
    installation: Id<Installation>,
    /// The task that all of it belongs to.
    #[serde(default)]
    task: Option<Id<Task>>,
    /// The key that the code is bound to.
    #[serde(default)]
    key: Option<Thumbprint>,
    person: Id<model::Person>,
    auth_time: Timestamp,
    /// Granted already.
    scopes: ScopeSet,
    /// Does that include anything the agent did not hold before?
    beyond: bool,
    pending: Vec<Id<Elevation>>,
    /// With the flow's ticket and our key, it tells the code that the flow ends with.
    nonce: String,
    /// The browser was sent back with that code.
    answered: bool,
}

impl Wait {
    pub(super) fn of(due: &CodeRequest<'_>, pending: Vec<Id<Elevation>>, beyond: bool) -> Self {
        let wanted = due.wanted;
        Self {
            client: wanted.client.client.id.clone(),
            client_name: wanted.client.client.name.clone(),
            redirect_uri: wanted.back.redirect_uri.clone(),
            state: wanted.back.state.clone(),
            challenge: wanted.challenge.clone(),
            resource: wanted.resource.clone(),
            agent: due.agent.clone(),
            grant: due.grant.clone(),
            installation: due.installation.clone(),
            task: due.task.clone(),
            key: wanted.key.clone(),
            person: due.person.person.id.clone(),
            auth_time: due.person.session.logged_in_at,
            scopes: due.scopes.clone(),
            beyond,
            pending,
            nonce: Opaque::nonce(),
            answered: false,
        }
    }

    /// Makes `code` worth `scopes`. The record of it.
    pub(super) async fn issue_code(
        &self,
        cx: &Context,
        tx: &mut Tx<'_>,
        code: &Opaque,
        scopes: ScopeSet,
    ) -> Result<Event, StoreError> {
        let installation = self.installation.clone();
        let issued = CodeIssued {
            installation: installation.clone(),
            agent: self.agent.clone(),
            client: self.client.clone(),
            grant: self.grant.clone(),
            person: self.person.clone(),
            scope: scopes.clone(),
        };
        let event = issued.by(Actor::Person(self.person.clone()));
        tx.put_code(&Code {
            digest: code.digest(),
            client: self.client.clone(),
            redirect_uri: self.redirect_uri.clone(),
            challenge: self.challenge.clone(),
            grant: self.grant.clone(),
            installation,
            scopes,
            resource: self.resource.clone(),
            task: self.task.clone(),
            key: self.key.clone(),
            auth_time: self.auth_time,
            issued_at: tx.now(),
            not_after: tx.now().after(cx.config.tokens.code),
        })
        .await?;
        Ok(event)
    }

    /// The code that the flow of this ticket ends with, always the same one.
    fn code(&self, cx: &Context, flow: &str) -> Opaque {
        Opaque::following("code", Vault::of(&cx.store).master(), &self.nonce, flow)
    }

    fn back(&self) -> RedirectTarget {
        RedirectTarget { redirect_uri: self.redirect_uri.clone(), state: self.state.clone() }
    }
}

/// Begins to wait; `flow` leads back to this page, for this person in this browser only.
pub(super) async fn begin(
    cx: &Context,
    tx: &mut Tx<'_>,
    wait: Wait,
    flow: &Opaque,
    person: &SignedIn,
) -> Result<(), StoreError> {
    let longest = cx.config.elevation.decide_within.seconds() + cx.config.tokens.flow.seconds();
    let not_after = tx.now().after(Span::from_seconds(u32::try_from(longest).unwrap_or(u32::MAX)));
    let request = as_stored(&wait)?;
    tx.put_flow(&Flow { digest: flow.digest(), browser: person.browser.digest(), request, not_after }).await
}

fn as_stored(wait: &Wait) -> Result<serde_json::Value, StoreError> {
    serde_json::to_value(wait).map_err(|error| StoreError::Unreadable { what: "flow", why: error.to_string() })
}

/// Where the page of a flow is.
pub(super) fn path(flow: &Opaque) -> String {
    format!("{}?flow={}", paths::WAIT, flow.expose())
}

/// `GET /oauth/wait`: the page, until everything is decided.
pub(crate) async fn wait(cx: &Arc<Context>, headers: &HeaderMap, query: &str) -> Result<Response, PageError> {
    let here = LocalPath::parse(&format!("{}?{query}", paths::WAIT)).ok_or(BadPage::TooLong)?;
    let form = Form::parse(query.as_bytes())?;
    let Some(person) = signed_in(&cx.store, cx.cookies, headers).await? else { return Ok(login_first(&here)) };
    let flow = form.require("flow")?;
    let wait = open(cx, flow, &person).await?;
    if wait.answered {
        return finish(cx, flow, &wait, Ok(wait.scopes.clone())).await;
    }
    let mut elevations = Vec::new();
    for id in &wait.pending {
        elevations.extend(cx.store.elevation(id).await?);
    }
    let now = cx.store.now();
    if elevations.iter().any(|elevation| elevation.is_pending(now)) {
        return Ok(waiting_page(cx, &wait, flow, &elevations, &person));
    }
    finish(cx, flow, &wait, verdict(&wait, &elevations)).await
}

/// `POST /oauth/wait`: the person does not want to wait. The requests stay open; what is approved later works
/// without another token.
pub(crate) async fn go_on(cx: &Arc<Context>, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    let person = signed_in(&cx.store, cx.cookies, headers).await?.ok_or(BadPage::Stale)?;
    person.csrf.check(headers, &cx.config.public_url, form)?;
    let flow = form.require("flow")?;
    let wait = open(cx, flow, &person).await?;
    let scopes = wait.scopes.clone();
    finish(cx, flow, &wait, Ok(scopes)).await
}

/// The flow belongs to the browser and the person it began with, through another login of theirs.
///
/// Spec: RFC 9700 §4.7
async fn open(cx: &Context, flow: &str, person: &SignedIn) -> Result<Wait, PageError> {
    let flow = cx.store.flow(Digest::of(flow), cx.store.now()).await?.ok_or(BadPage::Stale)?;
    let wait: Wait = serde_json::from_value(flow.request).map_err(|_| BadPage::Stale)?;
    match person.browser.is(&flow.browser) && wait.person == person.person.id {
        true => Ok(wait),
        false => Err(BadPage::Stale.into()),
    }
}

fn verdict(wait: &Wait, elevations: &[Elevation]) -> Result<ScopeSet, AuthorizeError> {
    // One that was approved and is used up already still was approved.
    let said_yes = |elevation: &&Elevation| elevation.approval().is_some();
    let approved: Vec<Scope> = elevations.iter().filter(said_yes).map(|elevation| elevation.scope.clone()).collect();
    if !approved.is_empty() || wait.beyond {
        let mut scopes = wait.scopes.clone();
        scopes.extend(approved);
        return Ok(scopes);
    }
    match elevations.iter().find(|elevation| elevation.state() == ElevationState::Denied) {
        Some(denied) => Err(AuthorizeError::ElevationDenied(denied.id.clone())),
        None => match wait.pending.first() {
            Some(lapsed) => Err(AuthorizeError::ElevationLapsed(lapsed.clone())),
            None => Err(AuthorizeError::Refused),
        },
    }
}

/// Back to the client. A code is given once, and told again while it lives and nobody has redeemed it: two tabs, or a
/// page that loads itself and a hand on the button, get one answer.
async fn finish(
    cx: &Arc<Context>,
    flow: &str,
    wait: &Wait,
    verdict: Result<ScopeSet, AuthorizeError>,
) -> Result<Response, PageError> {
    let scopes = match verdict {
        Ok(scopes) => scopes,
        Err(error) => return Ok(redirect::error(cx, &wait.back(), &error)),
    };
    let code = wait.code(cx, flow);
    let (inner, digest, of_code) = (cx.clone(), Digest::of(flow), Opaque::presented(code.expose()));
    let given = cx
        .store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                let Some(flow) = tx.flow(digest, now).await? else { return Ok(Commit::nothing(false)) };
                if let Some((code, used)) = tx.code(of_code.digest()).await? {
                    return Ok(Commit::nothing(!used && now < code.not_after));
                }
                let mut due: Wait = serde_json::from_value(flow.request)
                    .map_err(|error| StoreError::Unreadable { what: "flow", why: error.to_string() })?;
                if due.answered {
                    return Ok(Commit::nothing(false));
                }
                let event = due.issue_code(&inner, tx, &of_code, scopes).await?;
                due.answered = true;
                tx.update_flow(digest, as_stored(&due)?).await?;
                Ok(Commit::with(event, true))
            })
        })
        .await?;
    if given { Ok(redirect::code(cx, &wait.back(), &code)) } else { Err(BadPage::Stale.into()) }
}

fn waiting_page(cx: &Context, wait: &Wait, flow: &str, elevations: &[Elevation], person: &SignedIn) -> Response {
    let now = cx.store.now();
    let words = |elevation: &Elevation| match elevation.state() {
        ElevationState::Requested if elevation.is_pending(now) => match elevation.quorum.progress() {
            Some(approvals) => format!("waiting, approved by {approvals}"),
            None => "waiting".to_owned(),
        },
        ElevationState::Requested => "not decided in time".to_owned(),
        ElevationState::Active => "approved".to_owned(),
        ElevationState::Ended => "over".to_owned(),
        ElevationState::Denied => "denied".to_owned(),
    };
    let requests = elevations
        .iter()
        .map(|elevation| Waiting {
            id: elevation.id.to_string(),
            tier: elevation.scope.tier(),
            scope: elevation.scope.to_string(),
            reason: elevation.reason.clone(),
            state: words(elevation),
            number: cx
                .store
                .matching_number(elevation)
                .filter(|_| elevation.is_pending(now))
                .map(|number| number.to_string()),
        })
        .collect();
    let content = WaitingPage {
        csrf_field: CSRF_FIELD,
        csrf: person.csrf.text(),
        flow: flow.to_owned(),
        client_name: wait.client_name.clone(),
        requests,
    };
    let page = Page::new("Waiting for an approval", &content).of(person);
    let page = page.forms_lead(web::FormTargets::Onward).again_every(AGAIN);
    person.browser.keep(cx.cookies, page.into_response(), cx.config.tokens.session)
}

const AGAIN: Span = Span::from_seconds(2);
