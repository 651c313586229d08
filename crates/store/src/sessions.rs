//! Browser sessions of people who logged in.

use model::{Id, Person, Timestamp};
use token::Digest;

use crate::{Store, StoreError, Tx};

/// A browser in which a person logged in.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// Digest of the cookie.
    pub digest: Digest,
    /// Who logged in.
    pub person: Id<Person>,
    /// When.
    pub logged_in_at: Timestamp,
    /// Until when it is good.
    pub not_after: Timestamp,
}

impl Store {
    /// The session and its person; `None` when it is unknown or over, or the person is disabled.
    pub async fn session(&self, digest: Digest, now: Timestamp) -> Result<Option<(Session, Person)>, StoreError> {
        todo!()
    }
}

impl Tx<'_> {
    /// Begins a session.
    pub async fn put_session(&mut self, session: &Session) -> Result<(), StoreError> {
        todo!()
    }

    /// Ends a session; unknown ones are fine.
    pub async fn end_session(&mut self, digest: Digest) -> Result<(), StoreError> {
        todo!()
    }

    /// Ends every session of a person.
    pub async fn end_sessions_of(&mut self, person: &Id<Person>) -> Result<(), StoreError> {
        todo!()
    }
}
