//! Connections, and what the two databases want to hear first.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use model::config::StoreUrl;
use sqlx::{AnyConnection, ConnectOptions, Connection, any::AnyConnectOptions, raw_sql};
use tokio::time::timeout;

use crate::{
    OpenError, StoreError,
    turn::{self, TURN_FILE, Turn},
};

/// The file inside the directory that a `sqlite:` URL names.
pub(crate) const SQLITE_FILE: &str = "portcullis.db";

/// How long a connection may take to be made.
const TO_CONNECT: Duration = Duration::from_secs(5);
/// How long one step of a transaction may take on a server; longer than the server's own limits below.
const TO_ANSWER: Duration = Duration::from_secs(15);

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
    /// The epoch, and signs of life whose loss harms nobody.
    Watch,
}

/// How to connect.
#[derive(Clone)]
pub(crate) struct Connect {
    options: AnyConnectOptions,
    pub(crate) dialect: Dialect,
    shown: String,
    /// Where writers of a SQLite file take turns.
    turn: Option<PathBuf>,
}

impl Connect {
    /// To the database of `url`; a SQLite database must exist already.
    pub(crate) fn new(url: &StoreUrl) -> Result<Self, OpenError> {
        sqlx::any::install_default_drivers();
        let shown = url.shown();
        let turn = url.sqlite_directory().map(|directory| directory.join(TURN_FILE));
        let (text, dialect) = match url.sqlite_directory() {
            Some(directory) => (sqlite_url(&directory.join(SQLITE_FILE)), Dialect::Sqlite),
            None => (url.expose().to_owned(), Dialect::Postgres),
        };
        let options = AnyConnectOptions::from_str(&text)
            .map_err(|error| OpenError::Unreachable { shown: shown.clone(), reason: error.to_string() })?;
        Ok(Self { options: options.disable_statement_logging(), dialect, shown, turn })
    }

    /// The same, for reading only.
    pub(crate) fn read_only(url: &StoreUrl) -> Result<Self, OpenError> {
        let mut connect = Self::new(url)?;
        if connect.dialect == Dialect::Sqlite {
            connect.options.database_url.set_query(Some("mode=ro"));
        }
        Ok(connect)
    }

    /// A new connection, told how to behave.
    pub(crate) async fn connect(&self, purpose: Purpose) -> Result<AnyConnection, StoreError> {
        let settled = async {
            let mut connection = AnyConnection::connect_with(&self.options).await?;
            raw_sql(settings(self.dialect, purpose)).execute(&mut connection).await?;
            Ok(connection)
        };
        match timeout(TO_CONNECT, settled).await {
            Ok(connected) => connected,
            Err(_) => Err(StoreError::Silent),
        }
    }

    /// A first connection, whose failure an operator has to understand.
    pub(crate) async fn first(&self) -> Result<AnyConnection, OpenError> {
        self.connect(Purpose::Write).await.map_err(|error| OpenError::Unreachable {
            shown: self.shown.clone(),
            reason: match error {
                StoreError::Silent => "it does not answer".into(),
                StoreError::Database(error) => error.to_string(),
                error => error.to_string(),
            },
        })
    }

    /// How long to wait for answers. A file answers or fails; a server may be cut off without a word.
    pub(crate) const fn patience(&self) -> Patience {
        match self.dialect {
            Dialect::Sqlite => Patience(None),
            Dialect::Postgres => Patience(Some(TO_ANSWER)),
        }
    }

    /// Begins a transaction that has the database to itself among writers, as far as the engine can say so;
    /// on PostgreSQL the lock on the head of the log does the rest.
    pub(crate) async fn begin(&self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        let _turn = self.turn().await;
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
    pub(crate) async fn turn(&self) -> Turn {
        turn::take(self.turn.as_ref()).await
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

/// What a connection is told first.
const fn settings(dialect: Dialect, purpose: Purpose) -> &'static str {
    match (dialect, purpose) {
        (Dialect::Sqlite, Purpose::Write) => {
            "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA journal_size_limit = 8388608"
        }
        (Dialect::Sqlite, Purpose::Read) => "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON",
        // In WAL mode NORMAL does not wait for the disk; the next change of the writer takes it along.
        (Dialect::Sqlite, Purpose::Watch) => "PRAGMA busy_timeout = 1000; PRAGMA synchronous = NORMAL",
        // A node that hangs between two statements must not hold the head of the log for ever.
        (Dialect::Postgres, Purpose::Write) => {
            "SET idle_in_transaction_session_timeout = '10s'; SET lock_timeout = '10s'; SET synchronous_commit = on"
        }
        (Dialect::Postgres, Purpose::Read) => "SET statement_timeout = '10s'",
        (Dialect::Postgres, Purpose::Watch) => "SET statement_timeout = '2s'; SET synchronous_commit = off",
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
