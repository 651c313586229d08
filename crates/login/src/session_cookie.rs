//! Sessions: how one begins, and the cookie that opens it.
//!
//! Spec: RFC 9700 §4.12, OWASP session management.

use axum::response::Response;
use crypto::Opaque;
use http::{HeaderMap, header};
use model::{Id, Person, Role};
use store::{Session, StoreError, Tx};
use web::{Browser, Cookie, see_other};

use crate::{context::Context, known_device, password, session::SignedIn};

/// A session in the making: the row to store, and the cookie that opens it.
pub(crate) fn new_session(cx: &Context, person: &Id<Person>, tx: &Tx<'_>) -> (Session, Opaque) {
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
pub(crate) async fn may_enter(cx: &Context, tx: &mut Tx<'_>, person: &Id<Person>) -> Result<bool, StoreError> {
    Ok(!password::is_blocked(cx, person) && tx.person(person).await?.is_some_and(|person| !person.disabled))
}

/// A person has a new password: every session they had ends, as many as are returned, and one begins.
pub(crate) async fn begin_anew(
    cx: &Context,
    tx: &mut Tx<'_>,
    person: &Id<Person>,
    phc: &str,
) -> Result<(u64, Opaque), StoreError> {
    tx.set_password(person, phc).await?;
    let ended = tx.end_sessions_of(person).await?;
    let (session, secret) = new_session(cx, person, tx);
    tx.put_session(&session).await?;
    Ok((ended, secret))
}

/// `303` to `location` with the session's cookie, and the one by which this browser is known from now on.
pub(crate) fn enter(cx: &Context, headers: &HeaderMap, person: &Person, location: &str, session: &Opaque) -> Response {
    net::caller::verified();
    // The mark stays as long as the session, so that a form outlives a new login.
    let browser = Browser::of(cx.cookies, headers);
    let mut response = browser.keep(cx.cookies, see_other(location), cx.config.tokens.session);
    let cookie = cx.cookies.set(Cookie::Session, session.expose(), cx.config.tokens.session);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response.headers_mut().append(header::SET_COOKIE, known_device::remember(cx, headers, person.id.as_str()));
    response
}

/// Where a person without another destination goes.
pub(crate) fn home(person: &Person) -> &'static str {
    let reads = [Role::Approver, Role::Auditor].into_iter().any(|role| person.holds(role));
    if reads { "/console" } else { "/me" }
}

/// Where a person who is logged in already goes.
pub(crate) fn home_of(signed_in: &SignedIn) -> &'static str {
    home(&signed_in.person)
}
