//! Who is at the other end of this browser.

use crypto::Digest;
use http::HeaderMap;
use model::{Person, Span, Timestamp};
use store::{Session, Store, StoreError};
use web::{Browser, Cookie, Cookies, Csrf, Visitor};

/// A login older than this does not give anybody more than they hold.
pub const FRESH_LOGIN: Span = Span::from_minutes(15);

/// A person who logged in with this browser.
#[derive(Clone)]
pub struct SignedIn {
    /// The login.
    pub session: Session,
    /// The person, as the store has them now.
    pub person: Person,
    /// The browser.
    pub browser: Browser,
    /// The token for forms shown to them in this browser, good through another login.
    pub csrf: Csrf,
}

/// The login is too old for what is asked; the person has to log in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the login is older than {0}; log in again")]
pub struct StaleLogin(pub Span);

/// The person whose session cookie the request carries, if it is good.
///
/// Of several cookies of the name the good one counts, and of several good ones of one person the newest. Good ones of
/// different people are nobody's: nobody can say who sits there.
pub async fn signed_in(store: &Store, cookies: Cookies, headers: &HeaderMap) -> Result<Option<SignedIn>, StoreError> {
    let mut found: Option<(Session, Person, String)> = None;
    for value in cookies.all(headers, Cookie::Session) {
        let Some((session, person)) = store.session(Digest::of(&value), store.now()).await? else { continue };
        match &found {
            Some((_, other, _)) if other.id != person.id => return Ok(None),
            Some((other, _, _)) if other.logged_in_at >= session.logged_in_at => {}
            _ => found = Some((session, person, value)),
        }
    }
    Ok(found.map(|(session, person, value)| {
        // A connection of somebody who logged in stays when the listener is full.
        net::caller::verified();
        let browser = Browser::of(cookies, headers);
        let csrf = browser.csrf_of(person.id.as_str(), &value);
        SignedIn { session, person, browser, csrf }
    }))
}

impl SignedIn {
    /// Did the person log in within `longest` before `now`?
    ///
    /// An approval needs fresh authentication: whoever finds the browser open is not the approver.
    pub fn fresh(&self, now: Timestamp, longest: Span) -> Result<(), StaleLogin> {
        if now < self.session.logged_in_at.after(longest) { Ok(()) } else { Err(StaleLogin(longest)) }
    }
}

impl Visitor for SignedIn {
    fn person(&self) -> &Person {
        &self.person
    }

    fn csrf(&self) -> &Csrf {
        &self.csrf
    }
}
