//! The login page, and the way out.

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use model::shown;
use model::{
    Actor, Id, Person, Secret,
    event::{LoggedOut, LoginRefusalCause, LoginRefused, LoginSucceeded, StoredPassword},
};
use oauth::Form;
use store::{Commit, StoreError};
use tokio::time::{Interval, MissedTickBehavior, interval};
use web::{AGAIN, Browser, CSRF_FIELD, Cookie, FormTargets, LocalPath, Page, see_other};

use crate::{
    context::Context,
    error::PageError,
    known_device,
    password::{self, LoginError, Proved, Rehash},
    paths,
    session::{FRESH_LOGIN, signed_in},
    session_cookie::{enter, home, home_of, new_session},
};

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    csrf_field: &'static str,
    csrf: String,
    next: &'a str,
    name: &'a str,
    complaint: Option<String>,
    for_client: bool,
}

/// `GET /login`
pub(crate) async fn login_page(cx: &Context, headers: &HeaderMap, query: &str) -> Result<Response, PageError> {
    let form = Form::parse(query.as_bytes())?;
    let next = form.value("next").and_then(LocalPath::parse);
    if let Some(person) = signed_in(&cx.store, cx.cookies, headers).await? {
        let too_old = form.value(AGAIN).is_some() && person.fresh(cx.store.now(), FRESH_LOGIN).is_err();
        if !too_old {
            return Ok(see_other(next.as_ref().map_or(home_of(&person), LocalPath::as_str)));
        }
    }
    Ok(page(cx, headers, next.as_ref(), "", None, StatusCode::OK))
}

/// `POST /login`
///
/// Bound to the browser that got the form, so that nobody is logged in as somebody else without noticing. Sent twice, it
/// is two logins, of which the browser keeps the one it hears of last.
///
/// Spec: RFC 9700 §4.12 (303 after a post)
pub(crate) async fn login(cx: &Arc<Context>, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    let browser = Browser::of(cx.cookies, headers);
    browser.csrf().check(headers, &cx.config.public_url, form)?;
    let next = form.value("next").and_then(LocalPath::parse);
    let name = form.value("name").unwrap_or_default().trim().to_owned();
    let password = Secret::new(form.value("password").unwrap_or_default());
    let refused = |error: &LoginError, status| {
        Ok(page(cx, headers, next.as_ref(), &shown(&name, 128), Some(complaint(error)), status))
    };
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
    beat.tick().await;
    let from = password::TriedFrom { mark: browser.mark(), device: known_device::known_for(cx, headers, &name) };
    let Proved { person, rehash } = match password::check(cx, &name, password, from).await {
        Ok(proved) => proved,
        Err(LoginError::Store(error)) => return Err(error.into()),
        Err(error @ LoginError::Wait { seconds }) => {
            let mut response = refused(&error, StatusCode::TOO_MANY_REQUESTS)?;
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            return Ok(response);
        }
        Err(LoginError::Busy(_)) => return Err(PageError::Busy),
        Err(error @ LoginError::Wrong { .. }) => {
            if let LoginError::Wrong { person, cause } = &error {
                record_refusal(cx, person.as_ref(), *cause).await?;
            }
            at_a_uniform_time(beat).await;
            return refused(&error, StatusCode::FORBIDDEN);
        }
    };
    let to = next.as_ref().map_or_else(|| home(&person).to_owned(), ToString::to_string);
    begin(cx, headers, person, rehash, &to).await
}

/// A session of `person` in this browser, and on to `to`. One of theirs that it replaces there ends.
///
/// Their password is stored anew in the same change, when it was made with other parameters.
pub(crate) async fn begin(
    cx: &Arc<Context>,
    headers: &HeaderMap,
    person: Person,
    rehash: Option<Rehash>,
    to: &str,
) -> Result<Response, PageError> {
    let before = signed_in(&cx.store, cx.cookies, headers).await?.filter(|before| before.person.id == person.id);
    let (inner, known) = (cx.clone(), person.clone());
    let cookie = cx
        .store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                if let Some(before) = before {
                    tx.end_session(before.session.digest).await?;
                }
                let (session, cookie) = new_session(&inner, &person.id, tx);
                tx.put_session(&session).await?;
                let mut came = LoginSucceeded { person: person.id.clone(), password: None };
                if let Some(Rehash { old, new }) = rehash {
                    tx.rehash_password(&person.id, &old, &new).await?;
                    came.password = Some(StoredPassword::Rehashed);
                }
                Ok(Commit::with(came.by(Actor::Person(person.id)), cookie))
            })
        })
        .await?;
    Ok(enter(cx, headers, &known, to, &cookie))
}

/// Wrong logins are answered on the beat: recording the one of a person takes longer than counting a stranger's,
/// and the difference would tell which names exist.
async fn at_a_uniform_time(mut beat: Interval) {
    // The first tick comes at once when it was missed; the second one never does.
    beat.tick().await;
    beat.tick().await;
}

/// What was typed is recorded only when it is the name of a person: people type passwords into that field.
pub(crate) async fn record_refusal(
    cx: &Context,
    person: Option<&Id<Person>>,
    cause: LoginRefusalCause,
) -> Result<(), StoreError> {
    let event = match person {
        Some(person) => cx.refusals.of_person(person, cx.store.now(), || {
            LoginRefused { person: Some(person.clone()), cause }.by(Actor::Person(person.clone()))
        }),
        None => cx.refusals.of_nobody(cause, cx.store.now(), || LoginRefused { person: None, cause }.by(Actor::System)),
    };
    match event {
        Some(event) => cx.store.record(event).await.map(drop),
        None => Ok(()),
    }
}

/// `POST /logout`
pub(crate) async fn leave(cx: &Context, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    let mut response = see_other(paths::LOGIN);
    if let Some(person) = signed_in(&cx.store, cx.cookies, headers).await? {
        person.csrf.check(headers, &cx.config.public_url, form)?;
        let left = LoggedOut { person: person.person.id.clone() };
        let event = left.by(Actor::Person(person.person.id.clone()));
        let digest = person.session.digest;
        cx.store
            .write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    tx.end_session(digest).await?;
                    Ok(Commit::with(event, ()))
                })
            })
            .await?;
    }
    response.headers_mut().append(header::SET_COOKIE, cx.cookies.clear(Cookie::Session));
    Ok(response)
}

fn page(
    cx: &Context,
    headers: &HeaderMap,
    next: Option<&LocalPath>,
    name: &str,
    complaint: Option<String>,
    status: StatusCode,
) -> Response {
    let browser = Browser::of(cx.cookies, headers);
    let next = next.map_or("", LocalPath::as_str);
    let for_client = next.starts_with(paths::AUTHORIZE);
    let content = LoginPage { csrf_field: CSRF_FIELD, csrf: browser.csrf().text(), next, name, complaint, for_client };
    let page = Page::new("Log in", &content).status(status).forms_lead(FormTargets::Onward);
    browser.keep(cx.cookies, page.into_response(), cx.config.tokens.session)
}

fn complaint(error: &LoginError) -> String {
    match error {
        LoginError::Wrong { .. } => "That name and password do not fit together.".to_owned(),
        LoginError::Wait { seconds } => format!("Too many attempts. Try again in {seconds} seconds."),
        LoginError::Busy(_) | LoginError::Store(_) => "Logging in is not possible right now.".to_owned(),
    }
}

const BEAT: Duration = Duration::from_millis(250);
