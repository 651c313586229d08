//! The consent page and its answer.
//!
//! Every authorization is shown, also one that was consented to before: a client on this computer may not be the one
//! it says it is, and privilege above the baseline is never remembered.
//!
//! Spec: MCP security best practices (consent UI requirements); OAuth 2.1 §7.13.
//!
//! Next: `consented` does what was consented to.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use login::{SignedIn, signed_in};
use model::shown;
use model::{Actor, event::ConsentRefused};
use oauth::Form;
use privilege::{Refused, task::open};
use store::{Commit, StoreError};
use web::{BadPage, FormTargets, Page};

use super::{
    consented::{self, ConsentAnswer},
    for_task::NewTask,
    plan::{self, Plan},
    redirect,
    repeated::{self, CONSENT, REFUSED, Said},
    request::{self, AuthorizeRequest},
    ticket::{self, Ticket},
    view::{ConsentPage, Filled},
};
use crate::{
    context::Context,
    error::{AuthorizeError, PageError},
};

/// The page, with a form that only `person` in this browser can answer, once.
pub(super) fn page(
    cx: &Context,
    query: &str,
    wanted: &AuthorizeRequest,
    plan: &Plan,
    person: &SignedIn,
    filled: Filled,
) -> Response {
    let mut content = ConsentPage::of(cx, wanted, plan);
    content.csrf = person.csrf.text();
    content.ticket = ticket::seal(cx, query, plan.shown(), person);
    content.person = person.person.display_name.clone();
    content.filled = filled;
    let page = Page::new("Allow access?", &content).of(person).forms_lead(FormTargets::Onward);
    person.browser.keep(cx.cookies, page.into_response(), cx.config.tokens.session)
}

/// `POST /oauth/consent`
///
/// The answer is good once and bound to the exact request; a second one gets the answer of the first. Spec: MCP security best practices (consent UI requirements)
pub(crate) async fn decide(cx: &Arc<Context>, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    cx.store.freshness()?;
    let person = signed_in(&cx.store, cx.cookies, headers).await?.ok_or(BadPage::Stale)?;
    person.csrf.check(headers, &cx.config.public_url, form)?;
    let ticket = ticket::open(cx, form.require("ticket")?, &person)?;
    let query = request::parse(&ticket.query)?;
    let addressed = request::addressed(cx, &query, &person.person).await?;
    let said = if form.value("decision") == Some("allow") { Said::Yes } else { Said::No };
    if let Some(answered) = repeated::answer(cx, &ticket, &addressed.back, said).await? {
        return Ok(answered);
    }
    let wanted = match request::wanted(cx, &addressed, &query) {
        Ok(wanted) => wanted,
        Err(error) => return redirect::refused(cx, &person, &addressed.client, &addressed.back, error).await,
    };
    let mut plan = match plan::plan(cx, &wanted, &person.person).await? {
        Ok(plan) => plan,
        Err(error) => return redirect::refused(cx, &person, &wanted.client, &wanted.back, error).await,
    };
    if said == Said::No {
        return refuse(cx, &ticket, &wanted, &person).await;
    }
    if plan.shown() != ticket.shown {
        // By this very form, when it comes twice: the first one may have done its work since it was asked above.
        if let Some(answered) = repeated::answer(cx, &ticket, &addressed.back, said).await? {
            return Ok(answered);
        }
        let complaint = "What would be granted has changed since this page was shown. Please look again.";
        return Ok(page(cx, &ticket.query, &wanted, &plan, &person, Filled::of(form, complaint)));
    }
    if let Err(why) = said_of_tasks(&mut plan, form) {
        return Ok(page(cx, &ticket.query, &wanted, &plan, &person, Filled::of(form, &why)));
    }
    let mut plan = plan.without(|scope| form.value(&format!("{CHOICE}{scope}")) == Some(LEFT_OUT));
    if let Some(purpose) = form.value(PURPOSE).filter(|_| plan.is_newcomer) {
        match open::said(purpose) {
            Ok(purpose) => plan.agent.purpose = purpose,
            Err(_) => {
                let complaint = "Say in one line what you will use it for: others decide by it.";
                return Ok(page(cx, &ticket.query, &wanted, &plan, &person, Filled::of(form, complaint)));
            }
        }
    }
    let reason = shown(form.value("reason").unwrap_or_default(), 500);
    if reason.is_empty() && !plan.by_approval.is_empty() {
        let complaint = "Say in a few words why this is needed: it is what the approver reads.";
        return Ok(page(cx, &ticket.query, &wanted, &plan, &person, Filled::of(form, complaint)));
    }
    let reason = if reason.is_empty() { format!("asked for by {}", plan.agent.title) } else { reason };
    let answered = ConsentAnswer { wanted, plan, person, reason, ticket };
    consented::allow(cx, answered).await
}

/// The plan as the person wants it: for a piece of work of its own, or for none.
fn said_of_tasks(plan: &mut Plan, form: &Form) -> Result<(), String> {
    plan.for_task.answered(form);
    if !plan.offers_task() {
        return Ok(());
    }
    match NewTask::in_form(form) {
        Ok(None) => Ok(()),
        Ok(Some(new)) => {
            plan.in_new_task(new);
            Ok(())
        }
        Err(Refused::BadTask(why)) => Err(format!("The piece of work: {why}.")),
        Err(refused) => Err(refused.to_string()),
    }
}

/// What the person will use an agent for that is new here. A browser sends no form without it; a form of a script that does not
/// have it, or has it empty, leaves it as it is.
const PURPOSE: &str = "purpose";

/// A part that the person left out is not asked for; what they do not choose about is as it was shown.
const CHOICE: &str = "choice:";
const LEFT_OUT: &str = "leave_out";

async fn refuse(
    cx: &Arc<Context>,
    ticket: &Ticket,
    wanted: &AuthorizeRequest,
    person: &SignedIn,
) -> Result<Response, PageError> {
    let refused = ConsentRefused {
        person: person.person.id.clone(),
        client: wanted.client.client.id.clone(),
        redirect_uri: wanted.back.redirect_uri.clone(),
        server: wanted.server.clone(),
        asked: wanted.scopes.clone(),
    };
    let event = refused.by(Actor::Person(person.person.id.clone()));
    let (number, not_after) = (ticket.number.clone(), ticket.not_after);
    let fresh = cx
        .store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                if !tx.use_once(CONSENT, &number, not_after, now).await? {
                    return Ok(Commit::nothing(false));
                }
                tx.use_once(REFUSED, &number, not_after, now).await?;
                Ok(Commit::with(event, true))
            })
        })
        .await?;
    match fresh {
        true => Ok(redirect::error(cx, &wanted.back, &AuthorizeError::Refused)),
        false => repeated::given(cx, ticket, &wanted.back, Said::No).await,
    }
}
