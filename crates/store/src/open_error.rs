//! Why a store did not open.

use std::path::PathBuf;

use crate::error::StoreError;

/// Why a store did not open, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The path of the data directory is something else.
    #[error("`{0}` is not a directory; choose another data_dir")]
    NotADirectory(PathBuf),
    /// The operating system refused.
    #[error("`{path}`: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Others on this machine could read the master key.
    #[error("`{0}` can be read by others; run `chmod 600 {0}`")]
    KeyExposed(PathBuf),
    /// The master key file does not have 32 bytes.
    #[error("`{0}` is not a master key: it must have exactly 32 bytes")]
    NotAKey(PathBuf),
    /// The database has sealed keys, but the master key is gone.
    #[error("`{0}` is missing, and the database was made with it; restore the file")]
    KeyMissing(PathBuf),
    /// The master key is not the one this database was made with.
    #[error("`{0}` is not the master key of this database; restore the key file that belongs to it")]
    WrongMasterKey(PathBuf),
    /// The verifier key in the data directory is of another log.
    #[error("`{0}` belongs to another log than this database holds; if that log may go, move the file away")]
    OtherLog(PathBuf),
    /// The log has fewer records than were seen from here.
    #[error(
        "the log has {size} records, but `{path}` shows that there were {seen}: it was cut off, its write-ahead log \
         (`-wal`) was lost or broken, or an older backup was restored. Restore the newest database. If the loss is known and accepted, keep `{path}` elsewhere as evidence, \
         move it away and start again"
    )]
    LogCut {
        /// The head that was seen.
        path: PathBuf,
        /// Its size.
        seen: u64,
        /// The size of the log now.
        size: u64,
    },
    /// The log does not begin with the records that were seen from here.
    #[error(
        "the first {seen} records of the log are not those that `{path}` was written for: history was rewritten. Keep \
         a copy of the database, run `portcullis audit verify`, and restore a database that begins with them"
    )]
    LogRewritten {
        /// The head that was seen.
        path: PathBuf,
        /// Its size.
        seen: u64,
    },
    /// The database is gone, and it is known that there was one.
    #[error(
        "the database `{file}` is gone, but `{head}` shows that there was one: restore it. If the loss is known and \
         accepted, keep the data directory elsewhere as evidence, and start with an empty one"
    )]
    DatabaseGone {
        /// Where it was.
        file: PathBuf,
        /// What is known of it.
        head: PathBuf,
    },
    /// Pages of the database file are not what SQLite wrote.
    #[error(
        "the database `{file}` is damaged: {why}. Stop every node, keep a copy of the file, and restore the newest \
         backup (docs/operations.md); `portcullis audit verify` says what of the log is left"
    )]
    Damaged {
        /// Which file.
        file: PathBuf,
        /// What SQLite found.
        why: String,
    },
    /// The file of the last head is not one of this log.
    #[error("`{path}` is not a head of this log: {why}; if its log may go, move the file away")]
    NotAHead {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The database could not be reached or opened.
    #[error("the database {shown} can not be opened: {reason}")]
    Unreachable {
        /// The URL without its password.
        shown: String,
        /// What the driver said.
        reason: String,
    },
    /// A newer version of this program wrote the database.
    #[error("the database has schema {found}, this version knows {known}: run the newer version")]
    NewerSchema {
        /// What was found.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// There is no store here, and whoever asks does not make one.
    #[error("there is no store at {0} yet; `portcullis serve` makes it. Is this the configuration that it runs with?")]
    NothingThere(String),
    /// A store of an older version, and whoever asks does not change it.
    #[error(
        "the database has schema {found}, this version needs {known}: stop the nodes of the version before, take a \
         backup, and run `portcullis store migrate`"
    )]
    OlderSchema {
        /// What was found.
        found: i64,
        /// What this program needs.
        known: i64,
    },
    /// A first read or write failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OpenError {
    /// Is there simply nothing yet?
    pub fn is_nothing_yet(&self) -> bool {
        matches!(self, Self::NothingThere(_))
    }
}
