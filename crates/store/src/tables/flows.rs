//! Login and consent flows of browsers.

use crypto::Digest;
use model::Timestamp;
use serde_json::Value;
use sqlx::query;

use crate::{
    error::StoreError,
    sql::{
        columns::Columns,
        readers::Readers,
        statement::{FromColumns, Statement},
        tx::Tx,
    },
};

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

impl Readers {
    /// The flow, while it may still be finished.
    pub async fn flow(&self, digest: Digest, now: Timestamp) -> Result<Option<Flow>, StoreError> {
        self.one(by_digest(digest, now)).await
    }
}

impl Tx<'_> {
    /// The flow, while it may still be finished.
    pub async fn flow(&mut self, digest: Digest, now: Timestamp) -> Result<Option<Flow>, StoreError> {
        self.one(by_digest(digest, now)).await
    }

    /// Begins a flow.
    pub async fn put_flow(&mut self, flow: &Flow) -> Result<(), StoreError> {
        self.run(
            query("INSERT INTO flow (digest, browser, request, not_after) VALUES ($1, $2, $3, $4)")
                .bind(flow.digest.to_hex())
                .bind(flow.browser.to_hex())
                .bind(flow.request.to_string())
                .bind(flow.not_after.micros()),
        )
        .await?;
        Ok(())
    }

    /// Replaces what is asked for; `false` when the flow is over.
    pub async fn update_flow(&mut self, digest: Digest, request: Value) -> Result<bool, StoreError> {
        let changed = self
            .run(
                query("UPDATE flow SET request = $2 WHERE digest = $1").bind(digest.to_hex()).bind(request.to_string()),
            )
            .await?;
        Ok(changed == 1)
    }

    /// Ends a flow; `true` for exactly one caller.
    pub async fn end_flow(&mut self, digest: Digest) -> Result<bool, StoreError> {
        let ended = self.run(query("DELETE FROM flow WHERE digest = $1").bind(digest.to_hex())).await?;
        Ok(ended == 1)
    }
}

fn by_digest<'q>(digest: Digest, now: Timestamp) -> Statement<'q> {
    query("SELECT digest, browser, request, not_after FROM flow WHERE digest = $1 AND not_after > $2")
        .bind(digest.to_hex())
        .bind(now.micros())
}

impl FromColumns for Flow {
    const WHAT: &'static str = "flow";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            digest: columns.digest()?,
            browser: columns.digest()?,
            request: columns.json()?,
            not_after: columns.time()?,
        })
    }
}
