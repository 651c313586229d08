//! Client metadata documents as they were fetched.

use model::{Client, ClientId, Timestamp};
use token::Digest;

use crate::{Store, StoreError, Tx};

/// A client as its metadata document described it.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredClient {
    /// What the document says.
    pub client: Client,
    /// Digest of the document's bytes.
    pub document_digest: Digest,
    /// When it was fetched.
    pub fetched_at: Timestamp,
    /// Until when it need not be fetched again.
    pub fresh_until: Timestamp,
}

impl Store {
    /// The document last fetched for `id`, fresh or not.
    pub async fn client(&self, id: &ClientId) -> Result<Option<StoredClient>, StoreError> {
        todo!()
    }
}

impl Tx<'_> {
    /// Keeps a fetched document in place of the one before.
    pub async fn put_client(&mut self, client: &StoredClient) -> Result<(), StoreError> {
        todo!()
    }
}
