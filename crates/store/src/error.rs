//! Why the store did not do what it was asked.

use crate::fault::Fault;

/// Why a read or a write failed. Never holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused a statement or could not be reached. What was asked did not happen.
    #[error("{fault} ({0})", fault = Fault::of(.0))]
    Database(sqlx::Error),
    /// The database does not answer. What was asked may still happen, unless it was part of a change.
    #[error("the database does not answer; look whether it runs and can be reached")]
    Silent,
    /// A stored value is not what this version writes.
    #[error("the stored {what} can not be read: {why}")]
    Unreadable {
        /// Which value.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The code that composed the change panicked. The change was rolled back.
    #[error("a change was given up because the code composing it panicked")]
    Panicked,
    /// A statement failed, and the code composing the change went on. The change was rolled back.
    #[error("a change was given up because one of its statements had failed")]
    StatementIgnored,
    /// The batch that held the change could not be committed, and was rolled back.
    #[error("the change was rolled back: {0}")]
    RolledBack(String),
    /// The disk is full. The change was rolled back.
    #[error("the disk is full: the change was rolled back; make room")]
    DiskFull,
    /// The database server went away while it committed, and did not come back to say what became of it.
    #[error("it is unknown whether the change was made; look before repeating it")]
    Unknown,
    /// It is unknown whether the last batch is on disk, or the store was closed: nothing more is accepted.
    #[error("the store is closed; restart the process")]
    Closed,
    /// The change waited too long for its turn, and was withdrawn: it has not happened and will not.
    #[error("the store is busy; try again")]
    Busy,
    /// The log in the database is not the one this process knows, or not the one that was signed: somebody
    /// changed it, or put an older state back. Nothing more is written.
    #[error(
        "the log in the database was changed by somebody else: {0}; run `portcullis audit verify`, keep a copy of the \
         database, and restore the newest state before restarting"
    )]
    LogForked(String),
    /// The end of this call is on record already: this node was taken for dead, or nobody heard that it was written.
    #[error("the end of this call is on record already")]
    CallOver,
    /// Not every node confirmed the change in time.
    #[error("these nodes have not confirmed yet: {0}; they refuse everything once they lose the store")]
    NotEverywhere(String),
    /// What needs every node to be stopped was not done.
    #[error("a node runs ({0}), and holds the later time in memory; stop every node first")]
    NodesRun(String),
    /// A file of the exported log could not be written.
    #[error("`{path}` can not be written: {source}")]
    Export {
        /// Which file.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A record is longer than the log can hold.
    #[error("a record has {0} bytes; the log holds at most 65535")]
    RecordTooLong(usize),
}

/// No source: what the driver said stands in the sentence already.
impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl StoreError {
    /// The log is not the one this process knows, because of `why`.
    pub(crate) fn forked(why: impl ToString) -> Self {
        Self::LogForked(why.to_string())
    }

    /// Is there no room on the disk?
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::DiskFull => true,
            Self::Database(error) => Fault::of(error) == Fault::DiskFull,
            _ => false,
        }
    }
}

/// Nothing that is held in memory may be relied on: a node answers nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreSilent {
    /// The store was not heard from for too long: what is held in memory may be out of date.
    #[error("the store has not answered for {} ms", since.as_millis())]
    Silent {
        /// Time since the last sign of life that was written.
        since: std::time::Duration,
    },
    /// It is unknown whether the last batch is on disk, or the log is not the one this process knows.
    #[error("the store is closed; restart the process")]
    Closed,
    /// The file `deny-all` stands in the data directory.
    #[error("this node was told to deny everything; remove the file `deny-all` from its data directory")]
    Denied,
    /// The clock of this node can not be right.
    #[error("the clock of this node and that of the store are too far apart; set the clock")]
    Clock,
}
