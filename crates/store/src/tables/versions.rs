//! Versions of the policies and of the configuration, by digest, and which of each is in force.

use model::{Version, VersionKind};
use sqlx::query;

use crate::{
    error::StoreError,
    sql::{columns::Columns, readers::Readers, statement::FromColumns, tx::Tx},
    tables::privilege_tx::PrivilegeTx,
};

impl Readers {
    /// The digest of the version that is in force; `None` before the first load.
    pub async fn active_version(&self, kind: VersionKind) -> Result<Option<String>, StoreError> {
        let active: Option<Active> = self.one(query(ACTIVE).bind(kind.as_str())).await?;
        Ok(active.map(|Active(digest)| digest))
    }

    /// The versions whose digest begins with `digest`, newest first; at most two of them.
    pub async fn versions(&self, kind: VersionKind, digest: &str) -> Result<Vec<Version>, StoreError> {
        let sql = "SELECT kind, digest, body, loaded_at FROM version
             WHERE kind = $1 AND SUBSTR(digest, 1, CAST($2 AS INTEGER)) = $3 ORDER BY loaded_at DESC, digest LIMIT 2";
        let length = i64::try_from(digest.chars().count().min(LONGEST)).unwrap_or_default();
        self.all(query(sql).bind(kind.as_str()).bind(length).bind(digest)).await
    }
}

impl Tx<'_> {
    /// The digest of the version that is in force.
    pub async fn active_version(&mut self, kind: VersionKind) -> Result<Option<String>, StoreError> {
        let active: Option<Active> = self.one(query(ACTIVE).bind(kind.as_str())).await?;
        Ok(active.map(|Active(digest)| digest))
    }
}

impl PrivilegeTx<'_, '_> {
    /// Keeps a version, if it is not kept yet, and puts it in force.
    pub async fn activate_version(&mut self, version: &Version) -> Result<(), StoreError> {
        let kept = "INSERT INTO version (kind, digest, body, loaded_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (kind, digest) DO NOTHING";
        let (kind, digest) = (version.kind.as_str(), &version.digest);
        self.run(query(kept).bind(kind).bind(digest).bind(&version.text).bind(version.loaded_at.micros())).await?;
        let active = "INSERT INTO active_version (kind, digest) VALUES ($1, $2)
             ON CONFLICT (kind) DO UPDATE SET digest = excluded.digest";
        self.run(query(active).bind(kind).bind(digest)).await?;
        Ok(())
    }
}

/// Longer than any digest.
const LONGEST: usize = 128;
const ACTIVE: &str = "SELECT digest FROM active_version WHERE kind = $1";

/// What is in force.
struct Active(String);

impl FromColumns for Active {
    const WHAT: &'static str = "version in force";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        columns.text().map(Self)
    }
}

impl FromColumns for Version {
    const WHAT: &'static str = "version";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self { kind: columns.parsed()?, digest: columns.text()?, text: columns.text()?, loaded_at: columns.time()? })
    }
}
