//! What opening a store needs to know.

use std::{path::PathBuf, sync::Arc};

use model::{Clock, Span, config::StoreUrl};

/// What [`crate::Store::open`] needs to know.
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
    /// The name of this node, to which the store adds something of its own. `None` for a command-line visitor,
    /// for which nobody waits.
    pub node: Option<String>,
    /// What happens when there is no store yet, or one of an older version.
    pub missing: Missing,
    /// After how long without an answer a node counts as gone, and answers no more itself.
    pub store_silence: Span,
}

/// What happens when there is no store where one is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It is made.
    IsMade,
    /// None is made, and one of an older version is brought up to date. A node that runs on it closes.
    IsMigrated,
    /// Nothing is made or changed.
    IsRefused,
}
