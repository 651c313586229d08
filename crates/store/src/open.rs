//! Opening an installation's store, and making it the first time.

use std::{path::PathBuf, sync::Arc};

use model::{Clock, Span, config::StoreUrl};

use crate::Store;

/// What [`Store::open`] needs to know.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// Where the database is.
    pub url: StoreUrl,
    /// The directory of the master key; made when it is missing.
    pub data_dir: PathBuf,
    /// The name of the audit log in its checkpoints, such as `mcp.acme.example/audit`.
    pub origin: String,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// The name of this node. `None` for a command-line visitor, for which nobody waits.
    pub node: Option<String>,
    /// After how long without an answer a node counts as gone, and answers no more itself.
    pub store_silence: Span,
}

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
    /// The master key is not the one this database was made with.
    #[error("`{0}` is not the master key of this database; restore the key file that belongs to it")]
    WrongMasterKey(PathBuf),
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
    /// A first read or write failed.
    #[error(transparent)]
    Store(#[from] crate::StoreError),
}

impl Store {
    /// Opens the store; makes the directory, the master key, the schema and the keys when they are missing.
    pub async fn open(options: OpenOptions) -> Result<Self, OpenError> {
        todo!()
    }
}
