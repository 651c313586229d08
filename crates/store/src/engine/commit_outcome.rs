//! Why a batch failed, and what became of a commit that was not confirmed.

use std::time::{Duration, Instant};

use audit::encode_bundle;
use sqlx::{AnyConnection, query};

use crate::{
    error::StoreError,
    log::head::Head,
    sql::{
        columns::Columns,
        connect::{Connect, Dialect, Purpose},
    },
};

/// How far apart a server is asked what became of a commit.
const BETWEEN: Duration = Duration::from_millis(250);

/// Why nobody in a batch got what they asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BatchError {
    /// Nothing of it is on disk.
    #[error("{0}")]
    RolledBack(String),
    /// There is no room for it.
    #[error("the disk is full")]
    Full,
    /// Nobody can say.
    #[error("the database went away while it committed")]
    Unknown,
    /// The log is not the one this process knows.
    #[error("{0}")]
    Forked(String),
    /// The disk could not confirm: nothing it says can be relied on.
    #[error("the store is closed")]
    Closed,
}

impl BatchError {
    /// The same for one of the many that wait.
    pub(crate) fn to_store_error(&self) -> StoreError {
        match self {
            Self::RolledBack(why) => StoreError::RolledBack(why.clone()),
            Self::Full => StoreError::DiskFull,
            Self::Unknown => StoreError::Unknown,
            Self::Forked(why) => StoreError::LogForked(why.clone()),
            Self::Closed => StoreError::Closed,
        }
    }
}

impl From<StoreError> for BatchError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::LogForked(why) => Self::Forked(why),
            error if error.is_disk_full() => Self::Full,
            error => Self::RolledBack(error.to_string()),
        }
    }
}

/// What became of a commit of `records` at index `first` that ended with `error`. `Ok`: it is on disk.
pub(crate) async fn of_commit(
    connect: &Connect,
    error: StoreError,
    first: u64,
    records: &[Vec<u8>],
) -> Result<(), BatchError> {
    let refused = match &error {
        StoreError::Database(sqlx::Error::Database(refusal)) => Some(refusal),
        _ => None,
    };
    match (connect.dialect, refused) {
        (Dialect::Sqlite, Some(refusal)) if is_harmless_to_sqlite(refusal.code().as_deref()) => Err(error.into()),
        // After a failed fsync the system may claim that what it dropped is written.
        (Dialect::Sqlite, _) => Err(BatchError::Closed),
        (Dialect::Postgres, Some(_)) => Err(error.into()),
        (Dialect::Postgres, None) => ask_the_log(connect, first, &encode_bundle(records)).await,
    }
}

/// Did SQLite refuse before it tried to make the change durable?
fn is_harmless_to_sqlite(code: Option<&str>) -> bool {
    const BUSY: i64 = 5;
    const FULL: i64 = 13;
    const CONSTRAINT: i64 = 19;
    let code = code.and_then(|code| code.parse::<i64>().ok());
    // The primary result code is in the low byte.
    code.is_some_and(|code| matches!(code & 0xff, BUSY | FULL | CONSTRAINT))
}

/// The connection broke during COMMIT. The log knows: our entries are at our index, or not.
///
/// The lock on the head makes the answer final, because the old session holds it until it is done.
async fn ask_the_log(connect: &Connect, first: u64, entries: &[u8]) -> Result<(), BatchError> {
    let asked = Instant::now();
    while asked.elapsed() < 3 * connect.silence() {
        if let Ok(mut connection) = connect.connect(Purpose::Write).await
            && let Ok(found) = entries_at(&mut connection, connect, first).await
        {
            return match found {
                Some(found) if found == entries => Ok(()),
                _ => Err(BatchError::RolledBack("the database went away before it committed".into())),
            };
        }
        tokio::time::sleep(BETWEEN).await;
    }
    Err(BatchError::Unknown)
}

async fn entries_at(
    connection: &mut AnyConnection,
    connect: &Connect,
    first: u64,
) -> Result<Option<Vec<u8>>, StoreError> {
    connect.begin(connection).await?;
    Head::lock(connection, connect.dialect).await?;
    let row = query("SELECT entries FROM audit_batch WHERE first_seq = $1")
        .bind(first as i64)
        .fetch_optional(connection)
        .await?;
    row.map(|row| Columns::of("log", &row).bytes()).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_sqlite_refuses_before_the_disk_is_harmless() {
        for harmless in ["5", "13", "261", "2067"] {
            assert!(is_harmless_to_sqlite(Some(harmless)), "{harmless}");
        }
        for fatal in [None, Some("10"), Some("1034"), Some("11"), Some("?")] {
            assert!(!is_harmless_to_sqlite(fatal), "{fatal:?}");
        }
    }
}
