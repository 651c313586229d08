//! Logging in, logging out, and setting a password through an enrolment link.
//!
//! Spec: RFC 9700 §4.11 and §4.12.

mod device;
mod enrol;
mod form;
mod password;
mod throttle;

pub(crate) use enrol::{enrol, enrolment};
pub(crate) use form::{leave, login, login_page};
use http::{HeaderMap, header};
use model::Span;
use pages::{Cookie, Csrf, SignedIn, see_other};
pub(crate) use password::Logins;
use store::{Session, Tx};
use token::Opaque;

use crate::cx::Cx;

/// The mark of this browser, and whether it has to be set.
struct Browser {
    csrf: Csrf,
    mark: String,
    fresh: Option<Opaque>,
}

impl Browser {
    /// The browser that sent `headers`; one without a mark gets one.
    fn of(cx: &Cx, headers: &HeaderMap) -> Self {
        match cx.cookies.read(headers, Cookie::Browser) {
            Some(mark) => Self { csrf: Csrf::of_cookie(&mark), mark, fresh: None },
            None => {
                let mark = Opaque::mint("brw");
                Self { csrf: Csrf::of_cookie(mark.expose()), mark: mark.expose().to_owned(), fresh: Some(mark) }
            }
        }
    }

    /// The response that also marks the browser, when it has to be.
    fn mark(&self, cx: &Cx, mut response: axum::response::Response) -> axum::response::Response {
        if let Some(mark) = &self.fresh {
            let cookie = cx.cookies.set(Cookie::Browser, mark.expose(), BROWSER_LASTS);
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}

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

/// `303` to `location` with the session's cookie, and the one by which this browser is known from now on.
fn enter(
    cx: &Cx,
    headers: &HeaderMap,
    person: &model::Person,
    location: &str,
    session: &Opaque,
) -> axum::response::Response {
    net::caller::verified();
    let mut response = see_other(location);
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

const BROWSER_LASTS: Span = Span::from_minutes(24 * 60);
