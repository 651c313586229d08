//! Setting a first or a new password through a one-time link.

use std::sync::Arc;

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use model::{Actor, Event, EventName, Id, Person, Secret};
use pages::{CSRF_FIELD, Form, FormTargets, Page};
use store::{Commit, StoreError};
use token::{Digest, Opaque};

use super::{Browser, enter, home, new_session, password};
use crate::{cx::Cx, error::PageError};

#[derive(Template)]
#[template(path = "enrol.html")]
struct EnrolPage<'a> {
    csrf_field: &'static str,
    csrf: String,
    ticket: &'a str,
    name: &'a str,
    shortest: usize,
    complaint: Option<&'a str>,
}

/// `GET /enrol?ticket=…`
pub(crate) async fn enrolment(cx: &Cx, headers: &HeaderMap, query: &str) -> Result<Response, PageError> {
    let form = Form::parse(query.as_bytes())?;
    let ticket = form.require("ticket")?;
    let person = offered_to(cx, ticket).await?;
    Ok(page(cx, headers, ticket, &person, None))
}

/// `POST /enrol`
pub(crate) async fn enrol(cx: &Arc<Cx>, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    let browser = Browser::of(cx, headers);
    browser.csrf.check(headers, &cx.config.public_url, form).map_err(|_| PageError::Forged)?;
    let ticket = form.require("ticket")?;
    let person = offered_to(cx, ticket).await?;
    let chosen = form.value("password").unwrap_or_default();
    if let Err(complaint) = acceptable(chosen, form.value("again").unwrap_or_default()) {
        return Ok(page(cx, headers, ticket, &person, Some(complaint)));
    }
    let place = password::stand_in_line(cx).map_err(|password::Busy| PageError::Busy)?;
    let phc = password::hash(cx, place, Secret::new(chosen)).await.map_err(|password::Busy| PageError::Busy)?;
    let session = set_password(cx, Digest::of(ticket), person.id.clone(), phc).await?.ok_or(PageError::Stale)?;
    Ok(enter(cx, headers, &person, home(&person), &session))
}

/// Everything at once: the link is spent, older sessions end, the password is set, the person is logged in.
async fn set_password(
    cx: &Arc<Cx>,
    ticket: Digest,
    person: Id<Person>,
    phc: String,
) -> Result<Option<Opaque>, StoreError> {
    let inner = cx.clone();
    cx.store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                if password::is_blocked(&inner, &person)
                    || tx.take_enrolment(ticket, now).await?.as_ref() != Some(&person)
                    || tx.person(&person).await?.is_none_or(|person| person.disabled)
                {
                    return Ok(Commit::nothing(None));
                }
                tx.set_password(&person, &phc).await?;
                tx.end_sessions_of(&person).await?;
                let (session, cookie) = new_session(&inner, &person, tx);
                tx.put_session(&session).await?;
                let event = Event::new(EventName::PersonEnrolled, Actor::Person(person.to_string()));
                Ok(Commit::with(event.with("person", &person), Some(cookie)))
            })
        })
        .await
}

async fn offered_to(cx: &Cx, ticket: &str) -> Result<Person, PageError> {
    let id = cx.store.enrolment(Digest::of(ticket), cx.store.now()).await?.ok_or(PageError::Stale)?;
    let person = cx.store.person(&id).await?.ok_or(PageError::Stale)?;
    if person.disabled || password::is_blocked(cx, &id) { Err(PageError::Stale) } else { Ok(person) }
}

/// Spec: NIST SP 800-63B §3.1.1 (length, and nothing else)
fn acceptable(password: &str, again: &str) -> Result<(), &'static str> {
    match password.chars().count() {
        0..SHORTEST => Err("That is too short. Use at least 12 characters; a few words make a good password."),
        SHORTEST..=LONGEST if password == again => Ok(()),
        SHORTEST..=LONGEST => Err("The two passwords differ."),
        _ => Err("That is too long. Use at most 1024 characters."),
    }
}

fn page(cx: &Cx, headers: &HeaderMap, ticket: &str, person: &Person, complaint: Option<&str>) -> Response {
    let browser = Browser::of(cx, headers);
    let content = EnrolPage {
        csrf_field: CSRF_FIELD,
        csrf: browser.csrf.text(),
        ticket,
        name: &person.display_name,
        shortest: SHORTEST,
        complaint,
    };
    let status = if complaint.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = Page::new("Choose a password", &content).status(status).forms_lead(FormTargets::Onward);
    browser.mark(cx, page.into_response())
}

const SHORTEST: usize = 12;
const LONGEST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_twelve_characters_and_is_typed_twice_alike() {
        assert!(acceptable("correct horse", "correct horse").is_ok());
        assert!(acceptable("ÄÄÄÄÄÄÄÄÄÄÄÄ", "ÄÄÄÄÄÄÄÄÄÄÄÄ").is_ok());
        for (one, two) in
            [("", ""), ("short", "short"), ("correct horse", "correct horsf"), ("elevenchars", "elevenchars")]
        {
            assert!(acceptable(one, two).is_err(), "{one}");
        }
        let long = "x".repeat(1025);
        assert!(acceptable(&long, &long).is_err());
    }
}
