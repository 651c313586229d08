//! Client metadata documents as they were fetched.

use model::{Client, ClientId, Timestamp};
use sqlx::query;
use token::Digest;

use crate::{
    error::StoreError,
    sql::{columns::Columns, readers::Readers, tx::Tx},
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
        let mut reader = self.lend().await?;
        let row = query("SELECT client, document_digest, fetched_at, fresh_until FROM client WHERE id = $1")
            .bind(id.as_str())
            .fetch_optional(reader.connection())
            .await
            .map_err(StoreError::from);
        let Some(row) = reader.done(row)? else { return Ok(None) };
        let mut columns = Columns::of("client", &row);
        Ok(Some(StoredClient {
            client: columns.json()?,
            document_digest: columns.digest()?,
            fetched_at: columns.time()?,
            fresh_until: columns.time()?,
        }))
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
