//! Who is at the other end of this browser.

use http::HeaderMap;
use model::{Person, Span, Timestamp};
use store::{Session, Store, StoreError};
use token::Digest;

use crate::{Cookie, Cookies, Csrf};

/// A login older than this does not give anybody more than they hold.
pub const FRESH_LOGIN: Span = Span::from_minutes(15);

/// A person who logged in with this browser.
#[derive(Clone)]
pub struct SignedIn {
    /// The login.
    pub session: Session,
    /// The person, as the store has them now.
    pub person: Person,
    /// The token for forms shown to them.
    pub csrf: Csrf,
}

/// The login is too old for what is asked; the person has to log in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the login is older than {0}; log in again")]
pub struct StaleLogin(pub Span);

/// The person whose session cookie the request carries, if it is good.
pub async fn signed_in(store: &Store, cookies: Cookies, headers: &HeaderMap) -> Result<Option<SignedIn>, StoreError> {
    let Some(value) = cookies.read(headers, Cookie::Session) else { return Ok(None) };
    let found = store.session(Digest::of(&value), store.now()).await?;
    Ok(found.map(|(session, person)| {
        // A connection of somebody who logged in stays when the listener is full.
        net::caller::verified();
        SignedIn { session, person, csrf: Csrf::of_cookie(&value) }
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
