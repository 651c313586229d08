//! Login and consent flows of browsers.

use model::Timestamp;
use serde_json::Value;
use token::Digest;

use crate::{Store, StoreError, Tx};

/// A login or consent flow of one browser.
#[derive(Clone, PartialEq, Eq)]
pub struct Flow {
    /// Digest of the flow's ticket.
    pub digest: Digest,
    /// Digest of the cookie of the browser it began in.
    pub browser: Digest,
    /// What is asked for, in the words of the authorization server.
    pub request: Value,
    /// Until when it may be finished.
    pub not_after: Timestamp,
}

impl Store {
    /// The flow, while it may still be finished.
    pub async fn flow(&self, digest: Digest, now: Timestamp) -> Result<Option<Flow>, StoreError> {
        todo!()
    }
}

impl Tx<'_> {
    /// The flow, while it may still be finished.
    pub async fn flow(&mut self, digest: Digest, now: Timestamp) -> Result<Option<Flow>, StoreError> {
        todo!()
    }

    /// Begins a flow.
    pub async fn put_flow(&mut self, flow: &Flow) -> Result<(), StoreError> {
        todo!()
    }

    /// Replaces what is asked for; `false` when the flow is over.
    pub async fn update_flow(&mut self, digest: Digest, request: Value) -> Result<bool, StoreError> {
        todo!()
    }

    /// Ends a flow; `true` for exactly one caller.
    pub async fn end_flow(&mut self, digest: Digest) -> Result<bool, StoreError> {
        todo!()
    }
}
