//! Refresh tokens and their families.
//!
//! Spec: RFC 9700 §4.14.2 (rotation).

use model::{ClientId, Grant, Id, ScopeSet, Timestamp};
use sqlx::query;
use token::Digest;

use crate::{StoreError, Tx, columns::Columns};

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
    /// When it was issued.
    pub issued_at: Timestamp,
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

impl std::str::FromStr for RefreshState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "live" => Ok(Self::Live),
            "rotated" => Ok(Self::Rotated),
            "ended" => Ok(Self::Ended),
            _ => Err(format!("`{text}` is not a state")),
        }
    }
}

impl Tx<'_> {
    /// Keeps a new refresh token.
    pub async fn put_refresh(&mut self, refresh: &Refresh) -> Result<(), StoreError> {
        self.run(
            query(
                "INSERT INTO refresh_token (digest, family, client, grant_id, scopes, resource, issued_at, not_after,
                 state)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'live')",
            )
            .bind(refresh.digest.to_hex())
            .bind(&refresh.family)
            .bind(refresh.client.as_str())
            .bind(refresh.grant.as_str())
            .bind(refresh.scopes.to_string())
            .bind(&refresh.resource)
            .bind(refresh.issued_at.micros())
            .bind(refresh.not_after.micros()),
        )
        .await?;
        Ok(())
    }

    /// The token, expired or not, and where it stands.
    pub async fn refresh(&mut self, digest: Digest) -> Result<Option<(Refresh, RefreshState)>, StoreError> {
        let row = self
            .row(
                query(
                    "SELECT digest, family, client, grant_id, scopes, resource, issued_at, not_after, state
             FROM refresh_token WHERE digest = $1",
                )
                .bind(digest.to_hex()),
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let mut columns = Columns::of("refresh token", &row);
        let refresh = Refresh {
            digest: columns.digest()?,
            family: columns.text()?,
            client: columns.parsed()?,
            grant: columns.parsed()?,
            scopes: columns.parsed()?,
            resource: columns.text()?,
            issued_at: columns.time()?,
            not_after: columns.time()?,
        };
        Ok(Some((refresh, columns.parsed()?)))
    }

    /// Live → rotated; `true` for exactly one caller, and never after its end.
    pub async fn rotate_refresh(&mut self, digest: Digest, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE refresh_token SET state = 'rotated' WHERE digest = $1 AND state = 'live' AND not_after > $2";
        let rotated = self.run(query(sql).bind(digest.to_hex()).bind(now.micros())).await?;
        Ok(rotated == 1)
    }

    /// Ends every token of a family.
    pub async fn end_family(&mut self, family: &str) -> Result<(), StoreError> {
        self.run(query("UPDATE refresh_token SET state = 'ended' WHERE family = $1 AND state <> 'ended'").bind(family))
            .await?;
        Ok(())
    }
}
