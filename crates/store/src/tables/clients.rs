//! Client metadata documents as they were fetched.

use crypto::Digest;
use model::{Client, ClientId, Timestamp};
use sqlx::query;

use crate::{
    error::StoreError,
    sql::{columns::Columns, readers::Readers, statement::FromColumns, tx::Tx},
};

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

impl Readers {
    /// The document last fetched for `id`, fresh or not.
    pub async fn client(&self, id: &ClientId) -> Result<Option<StoredClient>, StoreError> {
        let sql = "SELECT client, document_digest, fetched_at, fresh_until FROM client WHERE id = $1";
        self.one(query(sql).bind(id.as_str())).await
    }
}

impl Tx<'_> {
    /// Is the client registered, or is there an agent that presents it?
    pub async fn knows_client(&mut self, id: &ClientId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM client WHERE id = $1 UNION SELECT 1 FROM agent WHERE client = $1 LIMIT 1";
        Ok(self.row(query(sql).bind(id.as_str())).await?.is_some())
    }

    /// Keeps a fetched document in place of the one before.
    pub async fn put_client(&mut self, client: &StoredClient) -> Result<(), StoreError> {
        let json = serde_json::to_string(&client.client)
            .map_err(|error| StoreError::Unreadable { what: "client", why: error.to_string() })?;
        self.run(
            query(
                "INSERT INTO client (id, client, document_digest, fetched_at, fresh_until) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (id) DO UPDATE SET client = excluded.client, document_digest = excluded.document_digest,
                 fetched_at = excluded.fetched_at, fresh_until = excluded.fresh_until",
            )
            .bind(client.client.id.as_str())
            .bind(json)
            .bind(client.document_digest.to_hex())
            .bind(client.fetched_at.micros())
            .bind(client.fresh_until.micros()),
        )
        .await?;
        Ok(())
    }
}

impl FromColumns for StoredClient {
    const WHAT: &'static str = "client";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            client: columns.json()?,
            document_digest: columns.digest()?,
            fetched_at: columns.time()?,
            fresh_until: columns.time()?,
        })
    }
}
