//! Authorization codes.
//!
//! Spec: RFC 6749 §4.1.2.

use crypto::Digest;
use model::{ClientId, Grant, Id, Installation, ScopeSet, Task, Thumbprint, Timestamp};
use sqlx::query;

use crate::{
    error::StoreError,
    sql::{columns::Columns, statement::FromColumns, tx::Tx},
};

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
    /// What all that it issues belongs to.
    pub installation: Id<Installation>,
    /// The scopes it issues.
    pub scopes: ScopeSet,
    /// The resource it issues for.
    pub resource: String,
    /// The task that every call with the token belongs to.
    pub task: Option<Id<Task>>,
    /// The key without which it is worth nothing. Spec: RFC 9449 §10
    pub key: Option<Thumbprint>,
    /// When the person logged in.
    pub auth_time: Timestamp,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Until when it can be redeemed.
    pub not_after: Timestamp,
}

impl Tx<'_> {
    /// Keeps a new code.
    pub async fn put_code(&mut self, code: &Code) -> Result<(), StoreError> {
        self.run(
            query(
                "INSERT INTO code (digest, client, redirect_uri, challenge, grant_id, installation, scopes, resource,
                 task, jkt, auth_time, issued_at, not_after, used)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0)",
            )
            .bind(code.digest.to_hex())
            .bind(code.client.as_str())
            .bind(&code.redirect_uri)
            .bind(&code.challenge)
            .bind(code.grant.as_str())
            .bind(code.installation.as_str())
            .bind(code.scopes.to_string())
            .bind(&code.resource)
            .bind(code.task.as_ref().map(Id::as_str))
            .bind(code.key.as_ref().map(Thumbprint::as_str))
            .bind(code.auth_time.micros())
            .bind(code.issued_at.micros())
            .bind(code.not_after.micros()),
        )
        .await?;
        Ok(())
    }

    /// The code, expired or not, and whether it was redeemed.
    pub async fn code(&mut self, digest: Digest) -> Result<Option<(Code, bool)>, StoreError> {
        let sql = "SELECT digest, client, redirect_uri, challenge, grant_id, installation, scopes, resource,
                 task, jkt, auth_time, issued_at, not_after, used
             FROM code WHERE digest = $1";
        let found: Option<Kept> = self.one(query(sql).bind(digest.to_hex())).await?;
        Ok(found.map(|Kept(code, was_redeemed)| (code, was_redeemed)))
    }

    /// Redeems a code; `true` for exactly one caller, and never after its end.
    pub async fn use_code(&mut self, digest: Digest, now: Timestamp) -> Result<bool, StoreError> {
        let used = self
            .run(
                query("UPDATE code SET used = 1 WHERE digest = $1 AND used = 0 AND not_after > $2")
                    .bind(digest.to_hex())
                    .bind(now.micros()),
            )
            .await?;
        Ok(used == 1)
    }
}

/// A code, and whether it was redeemed.
struct Kept(Code, bool);

impl FromColumns for Kept {
    const WHAT: &'static str = "code";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        let code = Code {
            digest: columns.digest()?,
            client: columns.parsed()?,
            redirect_uri: columns.text()?,
            challenge: columns.text()?,
            grant: columns.parsed()?,
            installation: columns.parsed()?,
            scopes: columns.parsed()?,
            resource: columns.text()?,
            task: columns.optional_parsed()?,
            key: columns.optional_parsed()?,
            auth_time: columns.time()?,
            issued_at: columns.time()?,
            not_after: columns.time()?,
        };
        Ok(Self(code, columns.flag()?))
    }
}
