//! Setting a first or a new password through a one-time link.

use std::sync::Arc;

use askama::Template;
use axum::response::{IntoResponse, Response};
use crypto::{Digest, Opaque};
use http::{HeaderMap, StatusCode};
use model::{Actor, Id, Person, Secret, Span, event::PersonEnrolled};
use oauth::Form;
use store::{Commit, StoreError};
use web::{BadPage, Browser, CSRF_FIELD, FormTargets, Page};

use crate::{
    context::Context,
    error::PageError,
    known_device, log_in, new_password,
    password::{self, LoginError, Proved},
    password_queue::Busy,
    session_cookie::{begin_anew, enter, home, may_enter},
};

#[derive(Template)]
#[template(path = "enrol.html")]
struct EnrolPage<'a> {
    csrf_field: &'static str,
    csrf: String,
    ticket: &'a str,
    id: &'a str,
    name: &'a str,
    shortest: usize,
    complaint: Option<&'a str>,
}

/// `GET /enrol?ticket=…`
pub(crate) async fn enrolment(cx: &Context, headers: &HeaderMap, query: &str) -> Result<Response, PageError> {
    let form = Form::parse(query.as_bytes())?;
    let ticket = form.require("ticket")?;
    let person = offered_to(cx, ticket).await?;
    Ok(page(cx, headers, ticket, &person, None))
}

/// `POST /enrol`
pub(crate) async fn enrol(cx: &Arc<Context>, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    let browser = Browser::of(cx.cookies, headers);
    browser.csrf().check(headers, &cx.config.public_url, form)?;
    let ticket = form.require("ticket")?;
    let person = match offered_to(cx, ticket).await {
        Err(PageError::Page(BadPage::Stale)) => return once_more(cx, headers, &browser, form).await,
        other => other?,
    };
    let chosen = form.value("password").unwrap_or_default();
    if let Err(complaint) = new_password::acceptable(chosen, form.value("again").unwrap_or_default()) {
        return Ok(page(cx, headers, ticket, &person, Some(complaint)));
    }
    let place = password::stand_in_line(cx).map_err(|Busy| PageError::Busy)?;
    let phc = password::hash(cx, place, Secret::new(chosen)).await.map_err(|Busy| PageError::Busy)?;
    match set_password(cx, Digest::of(ticket), browser.digest(), person.id.clone(), phc).await? {
        Some(session) => Ok(enter(cx, headers, &person, home(&person), &session)),
        None => once_more(cx, headers, &browser, form).await,
    }
}

/// The form came twice, and the first one spent the link. In the same browser and with the password that it set, the
/// second one is a login like any other.
async fn once_more(
    cx: &Arc<Context>,
    headers: &HeaderMap,
    browser: &Browser,
    form: &Form,
) -> Result<Response, PageError> {
    let (ticket, name) = (Digest::of(form.require("ticket")?), form.value("name").unwrap_or_default());
    let mut just_now = false;
    for browser in browser.digests() {
        just_now |= cx.store.is_used(ENROLLED, &spent(ticket, name, browser), cx.store.now()).await?;
    }
    if !just_now {
        return Err(BadPage::Stale.into());
    }
    let password = Secret::new(form.value("password").unwrap_or_default());
    let from = password::TriedFrom { mark: browser.mark(), device: known_device::known_for(cx, headers, name) };
    match password::check(cx, name, password, from).await {
        Ok(Proved { person, rehash }) => {
            let to = home(&person);
            log_in::begin(cx, headers, person, rehash, to).await
        }
        Err(LoginError::Store(error)) => Err(error.into()),
        Err(LoginError::Busy(_)) => Err(PageError::Busy),
        Err(LoginError::Wrong { .. } | LoginError::Wait { .. }) => Err(BadPage::Stale.into()),
    }
}

/// What is remembered of a link that was used, for a short while.
fn spent(ticket: Digest, person: &str, browser: Digest) -> String {
    format!("{} {person} {}", ticket.to_hex(), browser.to_hex())
}

/// Everything at once: the link is spent, older sessions end, the password is set, the person is logged in.
async fn set_password(
    cx: &Arc<Context>,
    ticket: Digest,
    browser: Digest,
    person: Id<Person>,
    phc: String,
) -> Result<Option<Opaque>, StoreError> {
    let inner = cx.clone();
    cx.store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                if !may_enter(&inner, tx, &person).await?
                    || tx.take_enrolment(ticket, now).await?.as_ref() != Some(&person)
                {
                    return Ok(Commit::nothing(None));
                }
                let until = now.after(TWICE);
                tx.use_once(ENROLLED, &spent(ticket, person.as_str(), browser), until, now).await?;
                let (_, cookie) = begin_anew(&inner, tx, &person, &phc).await?;
                let enrolled = PersonEnrolled { person: person.clone() };
                Ok(Commit::with(enrolled.by(Actor::Person(person)), Some(cookie)))
            })
        })
        .await
}

async fn offered_to(cx: &Context, ticket: &str) -> Result<Person, PageError> {
    let id = cx.store.enrolment(Digest::of(ticket), cx.store.now()).await?.ok_or(BadPage::Stale)?;
    let person = cx.store.person(&id).await?.ok_or(BadPage::Stale)?;
    if person.disabled || password::is_blocked(cx, &id) { Err(BadPage::Stale.into()) } else { Ok(person) }
}

fn page(cx: &Context, headers: &HeaderMap, ticket: &str, person: &Person, complaint: Option<&str>) -> Response {
    let browser = Browser::of(cx.cookies, headers);
    let content = EnrolPage {
        csrf_field: CSRF_FIELD,
        csrf: browser.csrf().text(),
        ticket,
        id: person.id.as_str(),
        name: &person.display_name,
        shortest: new_password::SHORTEST,
        complaint,
    };
    let status = if complaint.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = Page::new("Choose a password", &content).status(status).forms_lead(FormTargets::Onward);
    browser.keep(cx.cookies, page.into_response(), cx.config.tokens.session)
}

/// The kind of links that were used.
const ENROLLED: &str = "enrolled";
/// A second click comes within this time.
const TWICE: Span = Span::from_minutes(5);
