//! Disk that is kept back, so that a full one does not keep anybody from stopping an agent.
//!
//! Spec: none; the same idea as the blocks that a file system keeps for its owner.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

/// The file inside the data directory. Whoever needs the room deletes it.
pub(crate) const RESERVE_FILE: &str = "disk-reserve";
/// How much is kept back. A revocation takes some pages of the database and of the files beside the keys.
const BYTES: usize = 8 << 20;

/// Takes the room, unless it is taken already.
pub(crate) fn keep_back(data_dir: &Path) -> io::Result<()> {
    let path = data_dir.join(RESERVE_FILE);
    if fs::metadata(&path).is_ok_and(|found| found.len() == BYTES as u64) {
        return Ok(());
    }
    let taken = File::create(&path).and_then(|mut file| {
        // Zeros that are written take room; a length that is only set does not.
        let zeros = vec![0; 1 << 16];
        for _ in 0..BYTES / zeros.len() {
            file.write_all(&zeros)?;
        }
        file.sync_all()
    });
    if taken.is_err() {
        // Half of it helps nobody and makes the lack worse.
        let _ = fs::remove_file(&path);
    }
    taken
}

/// Gives the room back; `false` when there was none.
pub(crate) fn give_back(data_dir: &Path) -> bool {
    fs::remove_file(data_dir.join(RESERVE_FILE)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Field: N9
    #[test]
    fn the_room_is_taken_once_and_given_back_once() {
        let directory = tempfile::tempdir().unwrap();
        assert!(!give_back(directory.path()));
        for _ in 0..2 {
            keep_back(directory.path()).unwrap();
            assert_eq!(fs::metadata(directory.path().join(RESERVE_FILE)).unwrap().len(), BYTES as u64);
        }
        assert!(give_back(directory.path()) && !give_back(directory.path()));
    }
}
