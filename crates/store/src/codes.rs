//! Authorization codes.
//!
//! Spec: RFC 6749 §4.1.2.

use model::{ClientId, Grant, Id, ScopeSet, Timestamp};
use token::Digest;

use crate::{StoreError, Tx};

/// An authorization code and all it is bound to.
#[derive(Clone, PartialEq, Eq)]
pub struct Code {
    /// Digest of the code.
    pub digest: Digest,
    /// The client that asked.
    pub client: ClientId,
    /// The redirect it named.
    pub redirect_uri: String,
    /// The PKCE challenge (S256).
    pub challenge: String,
    /// The grant it issues under.
    pub grant: Id<Grant>,
    /// The scopes it issues.
    pub scopes: ScopeSet,
    /// The resource it issues for.
    pub resource: String,
    /// When the person logged in.
    pub auth_time: Timestamp,
    /// Until when it can be redeemed.
    pub not_after: Timestamp,
}

impl Tx<'_> {
    /// Keeps a new code.
    pub async fn put_code(&mut self, code: &Code) -> Result<(), StoreError> {
        todo!()
    }

    /// The code, expired or not, and whether it was redeemed.
    pub async fn code(&mut self, digest: Digest) -> Result<Option<(Code, bool)>, StoreError> {
        todo!()
    }

    /// Redeems a code; `true` for exactly one caller, and never after its end.
    pub async fn use_code(&mut self, digest: Digest, now: Timestamp) -> Result<bool, StoreError> {
        todo!()
    }
}
