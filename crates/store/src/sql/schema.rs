//! The tables, and how a database gets from an older version's to this one's.
//!
//! One text for SQLite and PostgreSQL: ids and words are TEXT, times BIGINT microseconds, yes and no
//! BIGINT 1 and 0, bytes BYTEA (which SQLite takes as they come).

use std::cmp::Ordering;

use sqlx::{AnyConnection, Row, query, raw_sql};

use crate::{error::StoreError, open_error::OpenError, sql::connect::Dialect};

/// One entry per version, applied in order. A shipped entry never changes again.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("schema/0001_initial.sql"),
    include_str!("schema/0002_issued_at.sql"),
    include_str!("schema/0003_installations.sql"),
    include_str!("schema/0004_key_times.sql"),
    include_str!("schema/0005_epoch.sql"),
    include_str!("schema/0006_open_calls.sql"),
    include_str!("schema/0007_pages.sql"),
    include_str!("schema/0008_versions.sql"),
    include_str!("schema/0009_log_index.sql"),
    include_str!("schema/0010_catalogue.sql"),
    include_str!("schema/0011_asked_calls.sql"),
    include_str!("schema/0012_tasks.sql"),
    include_str!("schema/0013_tasks_of_people.sql"),
    include_str!("schema/0014_quorum.sql"),
    include_str!("schema/0015_outbox.sql"),
    include_str!("schema/0016_duty.sql"),
    include_str!("schema/0017_exceptions.sql"),
    include_str!("schema/0018_lists.sql"),
    include_str!("schema/0019_sender_constraint.sql"),
    include_str!("schema/0020_sponsor.sql"),
];

/// The version that this program works with.
pub(crate) const fn known() -> i64 {
    MIGRATIONS.len() as i64
}

/// Makes the tables where there are none. The caller holds the transaction.
pub(crate) async fn make(connection: &mut AnyConnection) -> Result<(), OpenError> {
    let (found, known) = (version(connection).await?, known());
    match found {
        0 => apply(connection, 0).await,
        found => compare(found, known),
    }
}

/// Brings the tables up to date, and says from which version. The caller holds the transaction.
pub(crate) async fn migrate(connection: &mut AnyConnection) -> Result<i64, OpenError> {
    let (found, known) = (version(connection).await?, known());
    if found > known {
        return Err(OpenError::NewerSchema { found, known });
    }
    apply(connection, found).await?;
    Ok(found)
}

async fn apply(connection: &mut AnyConnection, found: i64) -> Result<(), OpenError> {
    for (migration, version) in MIGRATIONS.iter().zip(1i64..).skip(found as usize) {
        raw_sql(*migration).execute(&mut *connection).await.map_err(StoreError::from)?;
        query("UPDATE schema_version SET version = $1")
            .bind(version)
            .execute(&mut *connection)
            .await
            .map_err(StoreError::from)?;
    }
    Ok(())
}

/// Is the database of this version? Nothing is made.
pub(crate) async fn is_current(connection: &mut AnyConnection, dialect: Dialect, shown: &str) -> Result<(), OpenError> {
    is_there(connection, dialect, shown).await?;
    compare(version(connection).await?, known())
}

/// Is there a store of any version? Nothing is made.
pub(crate) async fn is_there(connection: &mut AnyConnection, dialect: Dialect, shown: &str) -> Result<(), OpenError> {
    let sql = match dialect {
        Dialect::Sqlite => "SELECT COUNT(*) FROM sqlite_master WHERE name = 'signing_key'",
        Dialect::Postgres => {
            "SELECT COUNT(*) FROM information_schema.tables
             WHERE table_name = 'signing_key' AND table_schema = ANY (current_schemas(false))"
        }
    };
    let row = query(sql).fetch_one(&mut *connection).await.map_err(StoreError::from)?;
    if row.try_get::<i64, _>(0).map_err(StoreError::from)? == 0 {
        return Err(OpenError::NothingThere(shown.to_owned()));
    }
    Ok(())
}

fn compare(found: i64, known: i64) -> Result<(), OpenError> {
    match found.cmp(&known) {
        Ordering::Less => Err(OpenError::OlderSchema { found, known }),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(OpenError::NewerSchema { found, known }),
    }
}

async fn version(connection: &mut AnyConnection) -> Result<i64, StoreError> {
    raw_sql("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)").execute(&mut *connection).await?;
    if let Some(row) = query("SELECT version FROM schema_version").fetch_optional(&mut *connection).await? {
        return Ok(row.try_get(0)?);
    }
    query("INSERT INTO schema_version (version) VALUES (0)").execute(&mut *connection).await?;
    Ok(0)
}
