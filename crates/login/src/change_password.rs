//! A person who is signed in changes their password.
//!
//! The one before is asked for, and counted like a login: whoever finds the browser open neither takes the account over
//! nor tries passwords without end. Every session ends with it, and a link that could still set a password is void; who
//! changed it goes on in this browser with a session of its own.
//!
//! Spec: OWASP authentication (change password), NIST SP 800-63B §3.1.1, OWASP session management (renewal).

use std::sync::Arc;

use askama::Template;
use axum::response::{IntoResponse, Response};
use crypto::{Digest, Opaque};
use http::{HeaderMap, StatusCode, header};
use model::{
    Actor, Id, Person, Secret,
    event::{LoginRefusalCause, PasswordChanged},
};
use oauth::Form;
use store::{Commit, StoreError};
use web::{BadPage, CSRF_FIELD, LocalPath, Page, Place, login_first};

use crate::{
    context::Context,
    error::PageError,
    known_device, log_in, new_password,
    password::{self, LoginError},
    password_queue::Busy,
    paths,
    session::{SignedIn, signed_in},
    session_cookie::{begin_anew, enter, may_enter},
};

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordPage<'a> {
    csrf_field: &'static str,
    csrf: String,
    id: &'a str,
    shortest: usize,
    complaint: Option<&'a str>,
    by_file: bool,
}

/// `GET /me/password`
pub(crate) async fn change_page(cx: &Context, headers: &HeaderMap) -> Result<Response, PageError> {
    let Some(who) = signed_in(&cx.store, cx.cookies, headers).await? else { return login(paths::PASSWORD) };
    Ok(page(cx, &who, None, StatusCode::OK))
}

/// `POST /me/password` with `current`, `password` and `again`.
pub(crate) async fn change(cx: &Arc<Context>, headers: &HeaderMap, form: &Form) -> Result<Response, PageError> {
    cx.store.freshness()?;
    let Some(who) = signed_in(&cx.store, cx.cookies, headers).await? else { return login(ACCOUNT) };
    who.csrf.check(headers, &cx.config.public_url, form)?;
    if is_of_the_file(cx, &who.person.id) {
        return Ok(page(cx, &who, None, StatusCode::CONFLICT));
    }
    let chosen = form.value("password").unwrap_or_default();
    if let Err(complaint) = new_password::acceptable(chosen, form.value("again").unwrap_or_default()) {
        return Ok(page(cx, &who, Some(complaint), StatusCode::UNPROCESSABLE_ENTITY));
    }
    let current = Secret::new(form.value("current").unwrap_or_default());
    if let Some(refusal) = refuse_unless_theirs(cx, headers, &who, current).await? {
        return Ok(refusal);
    }
    let place = password::stand_in_line(cx).map_err(|Busy| PageError::Busy)?;
    let phc = password::hash(cx, place, Secret::new(chosen)).await.map_err(|Busy| PageError::Busy)?;
    match carry_out(cx, who.session.digest, who.person.id.clone(), phc).await? {
        Some(session) => Ok(enter(cx, headers, &who.person, ACCOUNT, &session)),
        None => login(ACCOUNT),
    }
}

/// The page that says why not, when `current` is not their password or can not be checked now.
async fn refuse_unless_theirs(
    cx: &Context,
    headers: &HeaderMap,
    who: &SignedIn,
    current: Secret,
) -> Result<Option<Response>, PageError> {
    let name = who.person.id.as_str();
    let from = password::TriedFrom { mark: who.browser.mark(), device: known_device::known_for(cx, headers, name) };
    match password::check(cx, name, current, from).await {
        Ok(_) => Ok(None),
        Err(LoginError::Store(error)) => Err(error.into()),
        Err(LoginError::Busy(_)) => Err(PageError::Busy),
        Err(LoginError::Wrong { person, .. }) => {
            log_in::record_refusal(cx, person.as_ref(), LoginRefusalCause::WrongCurrentPassword).await?;
            Ok(Some(page(cx, who, Some("That is not your current password."), StatusCode::FORBIDDEN)))
        }
        Err(LoginError::Wait { seconds }) => {
            let complaint = format!("Too many attempts. Try again in {seconds} seconds.");
            let mut response = page(cx, who, Some(&complaint), StatusCode::TOO_MANY_REQUESTS);
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            Ok(Some(response))
        }
    }
}

/// Everything at once. The session it is asked with has to stand still: it ends with every other change of the password,
/// so of two changes at once, and of a change and a revocation, the later one finds out.
async fn carry_out(
    cx: &Arc<Context>,
    session: Digest,
    person: Id<Person>,
    phc: String,
) -> Result<Option<Opaque>, StoreError> {
    let inner = cx.clone();
    cx.store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                if !may_enter(&inner, tx, &person).await? || !tx.end_session(session).await? {
                    return Ok(Commit::nothing(None));
                }
                tx.void_enrolment(&person).await?;
                let (others, cookie) = begin_anew(&inner, tx, &person, &phc).await?;
                let changed = PasswordChanged { person: person.clone(), sessions: others };
                Ok(Commit::with(changed.by(Actor::Person(person)), Some(cookie)))
            })
        })
        .await
}

/// A password that the file declares is the file's: the next start would put it back, and end every session for it.
fn is_of_the_file(cx: &Context, person: &Id<Person>) -> bool {
    let declared = cx.config.people.get(person);
    declared.is_some_and(|declared| declared.password.is_some() || declared.password_hash.is_some())
}

fn login(next: &str) -> Result<Response, PageError> {
    Ok(login_first(&LocalPath::parse(next).ok_or(BadPage::TooLong)?))
}

fn page(cx: &Context, who: &SignedIn, complaint: Option<&str>, status: StatusCode) -> Response {
    let content = PasswordPage {
        csrf_field: CSRF_FIELD,
        csrf: who.csrf.text(),
        id: who.person.id.as_str(),
        shortest: new_password::SHORTEST,
        complaint,
        by_file: is_of_the_file(cx, &who.person.id),
    };
    Page::new("Change password", &content).of(who).at(Place::Account).status(status).into_response()
}

/// The page that shows the sessions, of which there is one afterwards.
const ACCOUNT: &str = "/me/account";
