//! Writing the whole log as files that other tools read.
//!
//! Spec: C2SP tlog-tiles.

use std::{fs, io, path::Path};

use audit::{TILE_WIDTH, bundle_path, decode_bundle, decode_tile, tile_path, verifier_key};

use crate::{engine::store::Store, error::StoreError, files::data_dir::VERIFIER_KEY_FILE};

impl Store {
    /// Writes the log as files under `directory`: `checkpoint`, `tile/…`, `audit.vkey`.
    pub async fn export(&self, directory: &Path) -> Result<(), StoreError> {
        // The checkpoint first: entries that come meanwhile are not covered by it, and harm nobody.
        let note = self.checkpoint().await?;
        let head = audit::Checkpoint::open(&note, self.log_origin(), &self.log_public_key())
            .map_err(|error| StoreError::Unreadable { what: "checkpoint", why: error.to_string() })?;
        let mut width = head.size;
        for level in 0u8.. {
            if width == 0 {
                break;
            }
            for (index, filled) in tiles(width) {
                if level == 0 {
                    let path = directory.join(bundle_path(index, filled));
                    let bundle = self.bundle(index).await?.unwrap_or_default();
                    write(&path, &first_entries(&bundle, filled)?)?;
                }
                let path = directory.join(tile_path(level, index, filled));
                let tile = self.tile(level, index).await?.unwrap_or_default();
                write(&path, &first_hashes(&tile, filled)?)?;
            }
            width /= u64::from(TILE_WIDTH);
        }
        let key = format!("{}\n", verifier_key(self.log_origin(), &self.log_public_key()));
        write(&directory.join(VERIFIER_KEY_FILE), key.as_bytes())?;
        write(&directory.join("checkpoint"), note.as_bytes())
    }
}

/// The tiles of a row of `width` hashes: index, and how many hashes when it is not full.
fn tiles(width: u64) -> impl Iterator<Item = (u64, Option<u16>)> {
    let full = width / u64::from(TILE_WIDTH);
    let rest = (width % u64::from(TILE_WIDTH)) as u16;
    (0..full).map(|index| (index, None)).chain((rest > 0).then_some((full, Some(rest))))
}

/// The log may have grown since the checkpoint.
fn first_entries(bundle: &[u8], filled: Option<u16>) -> Result<Vec<u8>, StoreError> {
    let mut entries = decode_bundle(bundle).map_err(unreadable)?;
    entries.truncate(usize::from(filled.unwrap_or(TILE_WIDTH)));
    Ok(audit::encode_bundle(&entries))
}

fn first_hashes(tile: &[u8], filled: Option<u16>) -> Result<Vec<u8>, StoreError> {
    let mut hashes = decode_tile(tile).map_err(unreadable)?;
    hashes.truncate(usize::from(filled.unwrap_or(TILE_WIDTH)));
    Ok(audit::encode_tile(&hashes))
}

fn unreadable(error: audit::Malformed) -> StoreError {
    StoreError::Unreadable { what: "log", why: error.to_string() }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, bytes));
    written.map_err(|source: io::Error| StoreError::Export { path: path.to_owned(), source })
}
