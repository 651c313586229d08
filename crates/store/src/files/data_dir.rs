//! The master key's file, and the other files of the data directory.

use std::{
    fs::{self, File, OpenOptions as FileOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crypto::MasterKey;

use crate::open_error::OpenError;

/// The file of the master key inside the data directory: 32 bytes, for its owner only.
pub(crate) const MASTER_KEY_FILE: &str = "master.key";

/// The verifier key of the log inside the data directory, for whoever checks it from outside.
pub(crate) const VERIFIER_KEY_FILE: &str = "audit.vkey";

/// The file inside the directory that a `sqlite:` URL names.
pub(crate) const SQLITE_FILE: &str = "portcullis.db";

/// Whoever puts a file of this name into the data directory stops the node that runs with it, whatever its store does.
pub(crate) const DENY_ALL_FILE: &str = "deny-all";

/// Makes the directory, readable by its owner only, unless it is there.
pub(crate) fn directory(path: &Path) -> Result<(), OpenError> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(OpenError::NotADirectory(path.to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io(path))
        }
        Err(error) if error.kind() == ErrorKind::NotADirectory => Err(OpenError::NotADirectory(path.to_owned())),
        Err(error) => Err(io(path)(error)),
    }
}

/// Reads the master key; `None` when there is no file yet.
pub(crate) fn read(data_dir: &Path) -> Result<Option<MasterKey>, OpenError> {
    let path = data_dir.join(MASTER_KEY_FILE);
    let mode = match fs::metadata(&path) {
        Ok(found) => found.permissions().mode(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(&path)(error)),
    };
    if mode & 0o077 != 0 {
        return Err(OpenError::KeyExposed(path));
    }
    let bytes = fs::read(&path).map_err(io(&path))?;
    let bytes = bytes.try_into().map_err(|_| OpenError::NotAKey(path))?;
    Ok(Some(MasterKey::from_bytes(bytes)))
}

/// Makes the master key. If another process was faster, its key is the one.
pub(crate) fn make(data_dir: &Path) -> Result<MasterKey, OpenError> {
    let (_, bytes) = MasterKey::generate();
    let path = data_dir.join(MASTER_KEY_FILE);
    match publish(&path, bytes.as_slice(), 0o600) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(io(&path)(error)),
    }
    read(data_dir)?.ok_or(OpenError::KeyMissing(path))
}

/// Writes a file that is either whole and on disk, or not there. Fails when it exists.
pub(crate) fn publish(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    // A link, unlike a rename, never replaces what is there.
    write_then(path, bytes, mode, |draft| fs::hard_link(draft, path))
}

/// Writes a file in place of the one before: at any time one of them is there, and whole.
pub(crate) fn replace(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    write_then(path, bytes, mode, |draft| fs::rename(draft, path))
}

fn write_then(
    path: &Path,
    bytes: &[u8],
    mode: u32,
    put: impl FnOnce(&Path) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let draft = path.with_extension(format!("{:016x}.tmp", u64::from_ne_bytes(crypto::random())));
    let written = FileOptions::new().write(true).create_new(true).mode(mode).open(&draft).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        put(&draft)?;
        path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
    });
    let _ = fs::remove_file(&draft);
    written
}

/// Makes an empty file for its owner only, unless it is there.
pub(crate) fn touch(path: &Path) -> Result<(), OpenError> {
    FileOptions::new().append(true).create(true).mode(0o600).open(path).map(drop).map_err(io(path))
}

pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> OpenError {
    let path: PathBuf = path.to_owned();
    move |source| OpenError::Io { path, source }
}
