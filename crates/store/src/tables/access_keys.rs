//! The keys that sign access tokens, sealed at rest, and their times.
//!
//! A change of them raises the epoch, so every node has the new ring before the old key goes.

use std::fmt;

use crypto::{KeyRing, MasterKey, RingKey, SigningKey};
use model::Timestamp;
use sqlx::{AnyConnection, query};

use crate::{
    error::StoreError,
    sql::{
        columns::Columns,
        readers::Readers,
        statement::{FromColumns, Statement},
        tx::Tx,
    },
    tables::privilege_tx::PrivilegeTx,
};

/// What sealed access keys are for; bound into the seal.
pub(crate) const ACCESS: &str = "access";

/// A signing key as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    /// Its `kid`.
    pub kid: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it begins to sign.
    pub signs_from: Timestamp,
    /// When it is not believed any more.
    pub gone_at: Option<Timestamp>,
}

/// A new key, sealed; not yet anybody's.
#[derive(Clone)]
pub struct SealedKey {
    /// Its `kid`.
    pub kid: String,
    sealed: Vec<u8>,
}

impl fmt::Debug for SealedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl Readers {
    /// Every signing key there ever was, newest first.
    pub async fn access_keys(&self) -> Result<Vec<AccessKey>, StoreError> {
        self.all(all()).await
    }
}

impl Tx<'_> {
    /// Every signing key there ever was, newest first.
    pub async fn access_keys(&mut self) -> Result<Vec<AccessKey>, StoreError> {
        self.all(all()).await
    }
}

impl PrivilegeTx<'_, '_> {
    /// Publishes a key that signs from then on, and bumps the epoch.
    pub async fn put_access_key(&mut self, key: &SealedKey, signs_from: Timestamp) -> Result<(), StoreError> {
        let now = self.now;
        self.run(
            query("INSERT INTO signing_key (name, purpose, sealed, made_at, signs_from) VALUES ($1, $2, $3, $4, $5)")
                .bind(&key.kid)
                .bind(ACCESS)
                .bind(&key.sealed)
                .bind(now.micros())
                .bind(signs_from.micros()),
        )
        .await?;
        self.bump_epoch().await
    }

    /// Gives every other key that end, unless it has an earlier one, and bumps the epoch. Returns how many.
    pub async fn retire_access_keys(&mut self, but: &SealedKey, gone_at: Timestamp) -> Result<u64, StoreError> {
        let retired = self
            .run(
                query(
                    "UPDATE signing_key SET gone_at = $3 WHERE purpose = $1 AND name <> $2
                     AND (gone_at IS NULL OR gone_at > $3)",
                )
                .bind(ACCESS)
                .bind(&but.kid)
                .bind(gone_at.micros()),
            )
            .await?;
        self.bump_epoch().await?;
        Ok(retired)
    }
}

fn all<'q>() -> Statement<'q> {
    let sql = "SELECT name, made_at, signs_from, gone_at FROM signing_key WHERE purpose = $1
               ORDER BY signs_from DESC, made_at DESC";
    query(sql).bind(ACCESS)
}

impl FromColumns for AccessKey {
    const WHAT: &'static str = "signing key";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            kid: columns.text()?,
            made_at: columns.time()?,
            signs_from: columns.time()?,
            gone_at: columns.optional_time()?,
        })
    }
}

/// Seals a key for the database.
pub(crate) fn seal(master: &MasterKey, key: &SigningKey) -> SealedKey {
    SealedKey { kid: key.kid().to_owned(), sealed: master.seal(ACCESS, &key.to_pkcs8()) }
}

/// The ring as it is in the database. An error when a key is not sealed with `master`, or not the one that its row names.
pub(crate) async fn ring(connection: &mut AnyConnection, master: &MasterKey) -> Result<KeyRing, StoreError> {
    let sql =
        "SELECT name, sealed, signs_from, gone_at FROM signing_key WHERE purpose = $1 ORDER BY made_at DESC, name";
    let rows = query(sql).bind(ACCESS).fetch_all(connection).await?;
    let mut keys = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut columns = Columns::of("signing key", row);
        let (name, sealed) = (columns.text()?, columns.bytes()?);
        let pkcs8 = master.open(ACCESS, &sealed).map_err(|_| columns.unreadable("it is not sealed with master.key"))?;
        let key = SigningKey::from_pkcs8(&pkcs8).map_err(|error| columns.unreadable(error.to_string()))?;
        // A seal does not say whose times are beside it: a key that is over must not come back under another name.
        if key.kid() != name {
            return Err(columns.unreadable(format!("`{}` is stored under the name `{name}`", key.kid())));
        }
        keys.push(RingKey { key, signs_from: columns.time()?, gone_at: columns.optional_time()? });
    }
    KeyRing::new(keys).map_err(|error| StoreError::Unreadable { what: "signing key", why: error.to_string() })
}
