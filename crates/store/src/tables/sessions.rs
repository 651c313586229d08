//! Browser sessions of people who logged in.

use crypto::Digest;
use model::{Id, Person, Timestamp};
use sqlx::query;

use crate::{
    error::StoreError,
    sql::{columns::Columns, readers::Readers, statement::FromColumns, tx::Tx},
};

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

impl Readers {
    /// The session and its person; `None` when it is unknown or over, or the person is disabled.
    pub async fn session(&self, digest: Digest, now: Timestamp) -> Result<Option<(Session, Person)>, StoreError> {
        let sql = "SELECT s.digest, s.person, s.logged_in_at, s.not_after, p.id, p.display_name, p.roles, p.disabled
             FROM session s JOIN person p ON p.id = s.person
             WHERE s.digest = $1 AND s.not_after > $2 AND p.disabled = 0";
        let found: Option<Visit> = self.one(query(sql).bind(digest.to_hex()).bind(now.micros())).await?;
        Ok(found.map(|Visit(session, person)| (session, person)))
    }

    /// The sessions of a person that are good at `now`, newest first; at most `most` of them.
    pub async fn sessions_of(
        &self,
        person: &Id<Person>,
        now: Timestamp,
        most: u32,
    ) -> Result<Vec<Session>, StoreError> {
        let sql = "SELECT digest, person, logged_in_at, not_after FROM session
             WHERE person = $1 AND not_after > $2 ORDER BY logged_in_at DESC, digest LIMIT $3";
        self.all(query(sql).bind(person.as_str()).bind(now.micros()).bind(i64::from(most))).await
    }
}

impl Tx<'_> {
    /// Begins a session.
    pub async fn put_session(&mut self, session: &Session) -> Result<(), StoreError> {
        self.run(
            query("INSERT INTO session (digest, person, logged_in_at, not_after) VALUES ($1, $2, $3, $4)")
                .bind(session.digest.to_hex())
                .bind(session.person.as_str())
                .bind(session.logged_in_at.micros())
                .bind(session.not_after.micros()),
        )
        .await?;
        Ok(())
    }

    /// Ends a session, and says whether there was one; unknown ones are fine.
    pub async fn end_session(&mut self, digest: Digest) -> Result<bool, StoreError> {
        let ended = self.run(query("DELETE FROM session WHERE digest = $1").bind(digest.to_hex())).await?;
        Ok(ended > 0)
    }

    /// Ends every session of a person, and says how many there were.
    pub async fn end_sessions_of(&mut self, person: &Id<Person>) -> Result<u64, StoreError> {
        self.run(query("DELETE FROM session WHERE person = $1").bind(person.as_str())).await
    }

    /// Ends every session of a person but one, and says how many there were.
    pub async fn end_other_sessions(&mut self, person: &Id<Person>, stays: Digest) -> Result<u64, StoreError> {
        let sql = "DELETE FROM session WHERE person = $1 AND digest <> $2";
        self.run(query(sql).bind(person.as_str()).bind(stays.to_hex())).await
    }
}

impl FromColumns for Session {
    const WHAT: &'static str = "session";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            digest: columns.digest()?,
            person: columns.parsed()?,
            logged_in_at: columns.time()?,
            not_after: columns.time()?,
        })
    }
}

/// A session and whose it is.
struct Visit(Session, Person);

impl FromColumns for Visit {
    const WHAT: &'static str = "session";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self(Session::read(columns)?, Person::read(columns)?))
    }
}
