//! Refresh tokens and the chains they make.
//!
//! A token that was used is kept with what came of it, so that one which comes back can be told a retry or a theft.
//!
//! Spec: RFC 9700 §4.14.2 (rotation).

use std::str::FromStr;

use crypto::Digest;
use model::{AuthMethod, ClientId, Grant, Id, Installation, ScopeSet, Task, Thumbprint, Timestamp};
use sqlx::query;

use crate::{
    error::StoreError,
    sql::{columns::Columns, statement::FromColumns, tx::Tx},
};

/// A refresh token. It never carries more than the baseline.
#[derive(Clone, PartialEq, Eq)]
pub struct Refresh {
    /// Digest of the token.
    pub digest: Digest,
    /// What all tokens of one authorization belong to.
    pub installation: Id<Installation>,
    /// The client it was issued to.
    pub client: ClientId,
    /// The grant it issues under.
    pub grant: Id<Grant>,
    /// Its scopes: baseline only.
    pub scopes: ScopeSet,
    /// The resource it issues for.
    pub resource: String,
    /// The task that every call with its access tokens belongs to.
    pub task: Option<Id<Task>>,
    /// The key without which it is worth nothing. Spec: RFC 9449 §5
    pub key: Option<Thumbprint>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Until when it is good.
    pub not_after: Timestamp,
}

/// Where a refresh token stands. Whether it has expired is the caller's comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshState {
    /// The newest of its installation.
    Live,
    /// Another took its place; seeing it again is a retry, or theft.
    Rotated(Box<Rotation>),
    /// Its installation or its grant was ended.
    Ended,
}

/// How a refresh token was used, as far as a repetition has to agree with it.
#[derive(Clone, PartialEq, Eq)]
pub struct Rotation {
    /// When.
    pub at: Timestamp,
    /// Until when the same answer may be asked for again.
    pub reuse_until: Timestamp,
    /// From which its successor can be made again; wiped once that is used, or may not be asked for any more.
    pub nonce: Option<String>,
    /// Until when the access token of the first answer is good.
    pub answer_until: Timestamp,
    /// What that access token was issued for.
    pub answer_scopes: ScopeSet,
    /// How its client proved itself; `None` where that was not written down.
    pub used_by: Option<AuthMethod>,
    /// The network it came from, in a form that says nothing but whether it is the same; empty when not known.
    pub used_from: String,
    /// How often it came again, and was answered.
    pub repeats: u32,
}

/// Without the nonce.
impl std::fmt::Debug for Rotation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rotation").field("at", &self.at).field("repeats", &self.repeats).finish_non_exhaustive()
    }
}

impl Tx<'_> {
    /// Keeps a new refresh token.
    pub async fn put_refresh(&mut self, refresh: &Refresh) -> Result<(), StoreError> {
        self.run(
            query(
                "INSERT INTO refresh_token (digest, family, client, grant_id, scopes, resource, task, jkt, issued_at,
                 not_after, state)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'live')",
            )
            .bind(refresh.digest.to_hex())
            .bind(refresh.installation.as_str())
            .bind(refresh.client.as_str())
            .bind(refresh.grant.as_str())
            .bind(refresh.scopes.to_string())
            .bind(&refresh.resource)
            .bind(refresh.task.as_ref().map(Id::as_str))
            .bind(refresh.key.as_ref().map(Thumbprint::as_str))
            .bind(refresh.issued_at.micros())
            .bind(refresh.not_after.micros()),
        )
        .await?;
        Ok(())
    }

    /// The token, expired or not, and where it stands.
    pub async fn refresh(&mut self, digest: Digest) -> Result<Option<(Refresh, RefreshState)>, StoreError> {
        let sql = "SELECT digest, family, client, grant_id, scopes, resource, task, jkt, issued_at, not_after, state,
                 rotated_at, reuse_until, nonce, answer_until, answer_scopes, used_by, used_from, repeats
             FROM refresh_token WHERE digest = $1";
        let found: Option<Kept> = self.one(query(sql).bind(digest.to_hex())).await?;
        Ok(found.map(|Kept(refresh, state)| (refresh, state)))
    }

    /// Live → rotated; `true` for exactly one caller, and never after its end. What it succeeded can not be told
    /// again from then on.
    pub async fn rotate_refresh(&mut self, refresh: &Refresh, rotation: &Rotation) -> Result<bool, StoreError> {
        let rotated = self
            .run(
                query(
                    "UPDATE refresh_token SET state = 'rotated', rotated_at = $2, reuse_until = $3, nonce = $4,
                     answer_until = $5, answer_scopes = $6, used_by = $7, used_from = $8
                 WHERE digest = $1 AND state = 'live' AND not_after > $2",
                )
                .bind(refresh.digest.to_hex())
                .bind(rotation.at.micros())
                .bind(rotation.reuse_until.micros())
                .bind(&rotation.nonce)
                .bind(rotation.answer_until.micros())
                .bind(rotation.answer_scopes.to_string())
                .bind(rotation.used_by.map_or("", AuthMethod::as_str))
                .bind(&rotation.used_from),
            )
            .await?;
        if rotated != 1 {
            return Ok(false);
        }
        let wipe = "UPDATE refresh_token SET nonce = NULL WHERE family = $1 AND nonce IS NOT NULL AND digest <> $2";
        self.run(query(wipe).bind(refresh.installation.as_str()).bind(refresh.digest.to_hex())).await?;
        Ok(true)
    }

    /// Counts that a rotated token came again and is answered; `false` when it was answered `most` times, or can not
    /// be answered any more.
    pub async fn repeat_refresh(&mut self, digest: Digest, most: u32) -> Result<bool, StoreError> {
        let sql = "UPDATE refresh_token SET repeats = repeats + 1
             WHERE digest = $1 AND state = 'rotated' AND nonce IS NOT NULL AND repeats < $2";
        Ok(self.run(query(sql).bind(digest.to_hex()).bind(i64::from(most))).await? == 1)
    }

    /// How often tokens of an installation came again and were answered, of those that were used after `since`.
    pub async fn repeats_since(&mut self, id: &Id<Installation>, since: Timestamp) -> Result<u64, StoreError> {
        let sql = "SELECT CAST(COALESCE(SUM(repeats), 0) AS BIGINT) FROM refresh_token
             WHERE family = $1 AND rotated_at > $2";
        match self.row(query(sql).bind(id.as_str()).bind(since.micros())).await? {
            Some(row) => Columns::of("repeats", &row).number(),
            None => Ok(0),
        }
    }

    /// Gives a live token that stays in use a new end; `false` when it is not live at `now`.
    pub async fn renew_refresh(
        &mut self,
        digest: Digest,
        now: Timestamp,
        not_after: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE refresh_token SET not_after = $3 WHERE digest = $1 AND state = 'live' AND not_after > $2";
        Ok(self.run(query(sql).bind(digest.to_hex()).bind(now.micros()).bind(not_after.micros())).await? == 1)
    }
}

/// A token, and where it stands.
struct Kept(Refresh, RefreshState);

impl FromColumns for Kept {
    const WHAT: &'static str = "refresh token";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        let refresh = Refresh {
            digest: columns.digest()?,
            installation: columns.parsed()?,
            client: columns.parsed()?,
            grant: columns.parsed()?,
            scopes: columns.parsed()?,
            resource: columns.text()?,
            task: columns.optional_parsed()?,
            key: columns.optional_parsed()?,
            issued_at: columns.time()?,
            not_after: columns.time()?,
        };
        let state = match columns.text()?.as_str() {
            "live" => RefreshState::Live,
            "rotated" => RefreshState::Rotated(Box::new(Rotation::read(columns)?)),
            "ended" => RefreshState::Ended,
            other => return Err(columns.unreadable(format!("`{other}` is not a state"))),
        };
        Ok(Self(refresh, state))
    }
}

impl FromColumns for Rotation {
    const WHAT: &'static str = "refresh token";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            at: columns.time()?,
            reuse_until: columns.time()?,
            nonce: columns.optional_text()?,
            answer_until: columns.time()?,
            answer_scopes: columns.parsed()?,
            used_by: AuthMethod::from_str(&columns.text()?).ok(),
            used_from: columns.text()?,
            repeats: columns.number()?,
        })
    }
}
