//! Refresh tokens and their families.
//!
//! Spec: RFC 9700 §4.14.2 (rotation).

use model::{ClientId, Grant, Id, ScopeSet, Timestamp};
use token::Digest;

use crate::{StoreError, Tx};

/// A refresh token. It never carries more than the baseline.
#[derive(Clone, PartialEq, Eq)]
pub struct Refresh {
    /// Digest of the token.
    pub digest: Digest,
    /// Shared by all tokens that come of one authorization.
    pub family: String,
    /// The client it was issued to.
    pub client: ClientId,
    /// The grant it issues under.
    pub grant: Id<Grant>,
    /// Its scopes: baseline only.
    pub scopes: ScopeSet,
    /// The resource it issues for.
    pub resource: String,
    /// Until when it is good.
    pub not_after: Timestamp,
}

/// Where a refresh token stands. Whether it has expired is the caller's comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshState {
    /// The newest of its family.
    Live,
    /// Another took its place; seeing it again means theft.
    Rotated,
    /// Its family was ended.
    Ended,
}

impl Tx<'_> {
    /// Keeps a new refresh token.
    pub async fn put_refresh(&mut self, refresh: &Refresh) -> Result<(), StoreError> {
        todo!()
    }

    /// The token, expired or not, and where it stands.
    pub async fn refresh(&mut self, digest: Digest) -> Result<Option<(Refresh, RefreshState)>, StoreError> {
        todo!()
    }

    /// Live → rotated; `true` for exactly one caller, and never after its end.
    pub async fn rotate_refresh(&mut self, digest: Digest, now: Timestamp) -> Result<bool, StoreError> {
        todo!()
    }

    /// Ends every token of a family.
    pub async fn end_family(&mut self, family: &str) -> Result<(), StoreError> {
        todo!()
    }
}
