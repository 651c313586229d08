//! Logging in, logging out, and setting a password: through an enrolment link, or with the one before.
//!
//! Spec: RFC 9700 §4.11 and §4.12.

mod change;
mod device;
mod enrol;
mod form;
mod password;
mod throttle;

pub(crate) use change::{change, change_page};
pub(crate) use enrol::{enrol, enrolment};
pub(crate) use form::{leave, login, login_page};
use http::{HeaderMap, header};
use pages::{Browser, Cookie, SignedIn, see_other};
pub(crate) use password::Logins;
use store::{Session, StoreError, Tx};
use token::Opaque;

use crate::cx::Cx;

/// A session in the making: the row to store, and the cookie that opens it.
fn new_session(cx: &Cx, person: &model::Id<model::Person>, tx: &Tx<'_>) -> (Session, Opaque) {
    let secret = Opaque::mint("ses");
    let session = Session {
        digest: secret.digest(),
        person: person.clone(),
        logged_in_at: tx.now(),
        not_after: tx.now().after(cx.config.tokens.session),
    };
    (session, secret)
}

/// Whether a person may be let in, as it stands inside the transaction that does it.
async fn may_enter(cx: &Cx, tx: &mut Tx<'_>, person: &model::Id<model::Person>) -> Result<bool, StoreError> {
    Ok(!password::is_blocked(cx, person) && tx.person(person).await?.is_some_and(|person| !person.disabled))
}

/// A person has a new password: every session they had ends, as many as are returned, and one begins.
async fn begin_anew(
    cx: &Cx,
    tx: &mut Tx<'_>,
    person: &model::Id<model::Person>,
    phc: &str,
) -> Result<(u64, Opaque), StoreError> {
    tx.set_password(person, phc).await?;
    let ended = tx.end_sessions_of(person).await?;
    let (session, secret) = new_session(cx, person, tx);
    tx.put_session(&session).await?;
    Ok((ended, secret))
}

/// `303` to `location` with the session's cookie, and the one by which this browser is known from now on.
fn enter(
    cx: &Cx,
    headers: &HeaderMap,
    person: &model::Person,
    location: &str,
    session: &Opaque,
) -> axum::response::Response {
    net::caller::verified();
    // The mark stays as long as the session, so that a form outlives a new login.
    let browser = Browser::of(cx.cookies, headers);
    let mut response = browser.keep(cx.cookies, see_other(location), cx.config.tokens.session);
    let cookie = cx.cookies.set(Cookie::Session, session.expose(), cx.config.tokens.session);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response.headers_mut().append(header::SET_COOKIE, device::remember(cx, headers, person.id.as_str()));
    response
}

/// Where a person without another destination goes.
fn home(person: &model::Person) -> &'static str {
    let reads = [model::Role::Approver, model::Role::Auditor].into_iter().any(|role| person.holds(role));
    if reads { "/console" } else { "/me" }
}

/// Where a person who is logged in already goes.
fn home_of(signed_in: &SignedIn) -> &'static str {
    home(&signed_in.person)
}
