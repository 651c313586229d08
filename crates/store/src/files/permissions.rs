//! Files that others on this machine can read or change.
//!
//! Whoever can write to the database can lift a block, and whoever can read it has what hashes of passwords there are.
//! The master key is refused in such a state; these are warned about, because a group may be meant to read them.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use model::config::StoreUrl;

use crate::files::data_dir::SQLITE_FILE;

/// What nobody else should have: anything for others, and writing for the group.
const CLOSED_TO_OTHERS: u32 = 0o027;

/// A file or directory that is open to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenToOthers {
    /// Which one.
    pub path: PathBuf,
    /// Its mode.
    pub mode: u32,
}

impl std::fmt::Display for OpenToOthers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (path, mode) = (self.path.display(), self.mode);
        let what = if mode & 0o022 == 0 { "read" } else { "changed" };
        write!(f, "`{path}` can be {what} by others (mode {mode:04o}); run `chmod g-w,o-rwx {path}`")
    }
}

/// What of an installation is open to others: its data directory, and the directory and files of a SQLite database.
pub fn open_to_others(data_dir: &Path, url: &StoreUrl) -> Vec<OpenToOthers> {
    let mut paths = vec![data_dir.to_owned()];
    if let Some(directory) = url.sqlite_directory() {
        let file = directory.join(SQLITE_FILE);
        let beside = |suffix: &str| {
            let mut path = file.clone().into_os_string();
            path.push(suffix);
            PathBuf::from(path)
        };
        let files = [beside(""), beside("-wal"), beside("-shm")];
        if directory != data_dir {
            paths.push(directory);
        }
        paths.extend(files);
    }
    let open = |path: PathBuf| {
        let mode = fs::metadata(&path).ok()?.permissions().mode() & 0o777;
        (mode & CLOSED_TO_OTHERS != 0).then_some(OpenToOthers { path, mode })
    };
    paths.into_iter().filter_map(open).collect()
}
