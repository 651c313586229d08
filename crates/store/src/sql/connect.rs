//! Connections, and what the two databases want to hear first.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use model::config::StoreUrl;
use sqlx::{AnyConnection, AssertSqlSafe, ConnectOptions, Connection, any::AnyConnectOptions, raw_sql};
use tokio::time::timeout;

use crate::{
    error::StoreError,
    files::data_dir::SQLITE_FILE,
    open_error::OpenError,
    sql::writer_lock::{self, LOCK_FILE, WriterLock},
};

/// How long a connection may take to be made, at least.
const TO_CONNECT: Duration = Duration::from_secs(2);
/// So much longer than its own limits below a server may take for one step of a transaction.
const TO_ANSWER: Duration = Duration::from_millis(500);

/// Which of the two it is, for the few statements that differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Changes that must be on disk when they are acknowledged.
    Write,
    /// Reads.
    Read,
    /// The epoch, and the lease.
    Watch,
}

/// How to connect.
#[derive(Clone)]
pub(crate) struct Connect {
    options: AnyConnectOptions,
    pub(crate) dialect: Dialect,
    shown: String,
    /// No lock, no transaction and no statement of a writer outlasts this.
    silence: Duration,
    /// Where writers of a SQLite file wait for each other.
    lock_file: Option<PathBuf>,
}

impl Connect {
    /// To the database of `url`; a SQLite database must exist already.
    pub(crate) fn new(url: &StoreUrl, silence: Duration) -> Result<Self, OpenError> {
        sqlx::any::install_default_drivers();
        let shown = url.shown();
        let lock_file = url.sqlite_directory().map(|directory| directory.join(LOCK_FILE));
        let (text, dialect) = match url.sqlite_directory() {
            Some(directory) => (sqlite_url(&directory.join(SQLITE_FILE)), Dialect::Sqlite),
            None => (url.expose().to_owned(), Dialect::Postgres),
        };
        let options = AnyConnectOptions::from_str(&text).map_err(|error| OpenError::Unreachable {
            shown: shown.clone(),
            reason: StoreError::from(error).to_string(),
        })?;
        Ok(Self { options: options.disable_statement_logging(), dialect, shown, silence, lock_file })
    }

    /// The same, for reading only.
    pub(crate) fn read_only(url: &StoreUrl) -> Result<Self, OpenError> {
        let mut connect = Self::new(url, TO_CONNECT)?;
        if connect.dialect == Dialect::Sqlite {
            connect.options.database_url.set_query(Some("mode=ro"));
        }
        Ok(connect)
    }

    /// A new connection, told how to behave.
    pub(crate) async fn connect(&self, purpose: Purpose) -> Result<AnyConnection, StoreError> {
        let settled = async {
            let mut connection = AnyConnection::connect_with(&self.options).await?;
            raw_sql(AssertSqlSafe(settings(self.dialect, purpose, self.silence))).execute(&mut connection).await?;
            Ok(connection)
        };
        match timeout(TO_CONNECT.max(self.silence), settled).await {
            Ok(connected) => connected,
            Err(_) => Err(StoreError::Silent),
        }
    }

    /// A first connection, whose failure an operator has to understand.
    pub(crate) async fn first(&self) -> Result<AnyConnection, OpenError> {
        let mut attempts = if self.dialect == Dialect::Sqlite { ATTEMPTS } else { 1 };
        loop {
            attempts -= 1;
            match self.connect(Purpose::Write).await {
                Ok(connection) => return Ok(connection),
                // Several that start at once turn the same new file to WAL, for which SQLite lets nobody wait.
                Err(_) if attempts > 0 => tokio::time::sleep(Duration::from_millis(50)).await,
                Err(error) => {
                    return Err(OpenError::Unreachable { shown: self.shown.clone(), reason: error.to_string() });
                }
            }
        }
    }

    /// How long to wait for answers. A file answers or fails; a server may be cut off without a word.
    pub(crate) fn patience(&self) -> Patience {
        match self.dialect {
            Dialect::Sqlite => Patience(None),
            Dialect::Postgres => Patience(Some(self.silence + TO_ANSWER)),
        }
    }

    /// What must not be outlasted.
    pub(crate) const fn silence(&self) -> Duration {
        self.silence
    }

    /// Begins a transaction that has the database to itself among writers, as far as the engine can say so;
    /// on PostgreSQL the lock on the head of the log does the rest.
    pub(crate) async fn begin(&self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        let _lock = self.writer_lock().await;
        raw_sql(match self.dialect {
            // A deferred transaction that read before it writes can not wait for another writer.
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => "BEGIN",
        })
        .execute(connection)
        .await?;
        Ok(())
    }

    /// Waits for the right to begin next.
    pub(crate) async fn writer_lock(&self) -> WriterLock {
        writer_lock::take(self.lock_file.as_ref()).await
    }
}

/// How long to wait for an answer; `None` as long as it takes.
#[derive(Clone, Copy)]
pub(crate) struct Patience(Option<Duration>);

impl Patience {
    /// Waits for `step`, and gives up with [`StoreError::Silent`].
    pub(crate) async fn wait<T>(self, step: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        match self.0 {
            None => step.await,
            Some(limit) => timeout(limit, step).await.unwrap_or(Err(StoreError::Silent)),
        }
    }
}

/// How often a file is opened at a start before it is given up.
const ATTEMPTS: u32 = 3;

/// From so many pages on (32 MiB) the writer moves them itself: see `checkpoint`.
const LONG_LOG: u32 = 8192;

/// What a connection is told first.
///
/// A node that hangs must hold up nobody: what it holds is taken from it, and what it waits for it gives up, within
/// `silence`.
fn settings(dialect: Dialect, purpose: Purpose, silence: Duration) -> String {
    let (silence, half) = (silence.as_millis(), silence.as_millis() / 2);
    match (dialect, purpose) {
        (Dialect::Sqlite, Purpose::Write) => format!(
            "PRAGMA busy_timeout = {silence}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 8388608; PRAGMA wal_autocheckpoint = {LONG_LOG}"
        ),
        (Dialect::Sqlite, Purpose::Read) => format!("PRAGMA busy_timeout = {silence}; PRAGMA query_only = ON"),
        // A lease counts when it is on disk.
        (Dialect::Sqlite, Purpose::Watch) => {
            format!("PRAGMA busy_timeout = {half}; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0")
        }
        (Dialect::Postgres, Purpose::Write) => format!(
            "SET idle_in_transaction_session_timeout = {half}; SET lock_timeout = {silence};
             SET statement_timeout = {silence}; SET synchronous_commit = on"
        ),
        // Pages read long lists, and hold up nobody.
        (Dialect::Postgres, Purpose::Read) => "SET statement_timeout = 10000".into(),
        (Dialect::Postgres, Purpose::Watch) => {
            format!("SET statement_timeout = {silence}; SET lock_timeout = {half}; SET synchronous_commit = on")
        }
    }
}

/// The driver decodes `%`, so that `?` and `#` may be in a path.
fn sqlite_url(file: &Path) -> String {
    let mut url = String::from("sqlite://");
    for byte in file.as_os_str().as_encoded_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => url.push(char::from(*byte)),
            byte => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_marks_of_a_url_stays_a_path() {
        assert_eq!(sqlite_url(Path::new("/a b/x?y#z%.db")), "sqlite:///a%20b/x%3Fy%23z%25.db");
    }
}
