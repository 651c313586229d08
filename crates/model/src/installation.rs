//! Installations: what one authorization gave to one copy of a client.
//!
//! The client id of a metadata document is the same on every computer, so a grant may feed many copies of one
//! client. What is known about one credential says something about the copy that held it, and nothing about the
//! others: a code that comes twice or a refresh token that comes too late ends the installation, never the grant.

use serde::{Deserialize, Serialize};

use crate::{ClientId, Grant, Id, Person, Span, Timestamp, id::Minted};

/// The code, the access tokens and the refresh tokens of one authorization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installation {
    /// Its id; `sid` in every access token of it.
    pub id: Id<Installation>,
    /// The grant it lives by.
    pub grant: Id<Grant>,
    /// The client that was authorized.
    pub client: ClientId,
    /// For whom; `None` for an autonomous agent.
    pub person: Option<Id<Person>>,
    /// When its first token was issued.
    pub since: Timestamp,
    /// When it was refreshed for the last time.
    pub last_refresh: Option<Timestamp>,
    /// It is over then, unless it is refreshed before.
    pub not_after: Timestamp,
    /// It is over then, however often it is refreshed.
    pub hard_end: Timestamp,
    /// When it was ended early, if it was.
    pub ended_at: Option<Timestamp>,
}

impl Minted for Installation {
    const PREFIX: &'static str = "ins";
}

impl Installation {
    /// No chain of refresh tokens is longer; then the person is asked again.
    pub const LONGEST: Span = Span::from_minutes(90 * 24 * 60);

    /// How long a block on an installation has to stand: longer than an access token can live. Its refresh tokens
    /// are ended in their own rows, so nothing needs the block afterwards.
    pub const BLOCKED_FOR: Span = Span::from_minutes(60);

    /// Can anything of it still be used at `now`, as far as itself is concerned?
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && now < self.not_after
    }
}
