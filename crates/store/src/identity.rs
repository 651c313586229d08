//! The file of the database that is open, and whether its path still leads to it.
//!
//! A file that was deleted or replaced stays open, and takes writes that nobody will ever find.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// A file, as it was when it was opened.
#[derive(Clone, Debug)]
pub(crate) struct OpenFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl OpenFile {
    /// The file at `path`; `None` when there is none.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        Some(Self { path: path.to_owned(), identity: identity(path)? })
    }

    /// Does its path still lead to it?
    pub(crate) fn is_in_its_place(&self) -> bool {
        identity(&self.path) == Some(self.identity)
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}
