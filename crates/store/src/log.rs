//! Reading the audit log.
//!
//! Spec: C2SP tlog-tiles.

use std::path::Path;

use crate::{Store, StoreError};

impl Store {
    /// How many records the log has.
    pub async fn log_size(&self) -> Result<u64, StoreError> {
        todo!()
    }

    /// The newest signed checkpoint: a C2SP signed note.
    pub async fn checkpoint(&self) -> Result<String, StoreError> {
        todo!()
    }

    /// At most `limit` records from index `first` on, with their indexes.
    pub async fn records(&self, first: u64, limit: u32) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        todo!()
    }

    /// The newest `limit` records with their indexes, oldest first.
    pub async fn last_records(&self, limit: u32) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        todo!()
    }

    /// The hashes of a tile, full or as far as it is filled; `None` when it has none.
    pub async fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        todo!()
    }

    /// An entry bundle, full or as far as it is filled; `None` when it has no entry.
    pub async fn bundle(&self, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        todo!()
    }

    /// The proof that record `index` is in the log of `size` records.
    pub async fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<audit::Hash>, StoreError> {
        todo!()
    }

    /// Writes the whole log as files under `directory`: checkpoint, tiles, entry bundles and verifier key.
    pub async fn export(&self, directory: &Path) -> Result<(), StoreError> {
        todo!()
    }
}
