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

/// The write-ahead log of a database, as long as one connection lives: SQLite deletes it with the last one, and whoever
/// deletes it before takes away what was committed and not yet moved into the file.
#[derive(Debug, Default)]
pub(crate) struct OpenLog {
    file: Option<OpenFile>,
}

impl OpenLog {
    /// Is the log of `database` still the one that was there when its connection was made?
    pub(crate) fn is_in_its_place(&mut self, database: &OpenFile) -> bool {
        if let Some(file) = &self.file {
            return file.is_in_its_place();
        }
        let mut path = database.path.clone().into_os_string();
        path.push("-wal");
        self.file = OpenFile::at(Path::new(&path));
        true
    }
}

impl OpenFile {
    /// The file at `path`; `None` when there is none.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        Some(Self { path: path.to_owned(), identity: identity(path)? })
    }

    /// Where it was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.path
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
