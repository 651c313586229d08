//! What the handle tells of the log: records that are under the signed head, tiles, proofs.
//!
//! Spec: C2SP tlog-tiles.

use audit::{Hash, TILE_WIDTH, encode_bundle, encode_tile};

use crate::{
    engine::store::Store,
    error::StoreError,
    log::{proofs, rows, tiles, verified_read::VerifiedLog},
};

impl Store {
    /// How many records the log has.
    pub async fn log_size(&self) -> Result<u64, StoreError> {
        let mut reader = self.lend().await?;
        let found = rows::size(reader.connection()).await;
        reader.done(found)
    }

    /// The newest signed checkpoint: a C2SP signed note.
    pub async fn checkpoint(&self) -> Result<String, StoreError> {
        let mut reader = self.lend().await?;
        let found = rows::checkpoint(reader.connection()).await;
        reader.done(found)
    }

    /// At most `limit` records from index `first` on, with their indexes. Each is under the signed head.
    pub async fn records(&self, first: u64, limit: u32) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.verified(|_| first, limit).await
    }

    /// The newest `limit` records with their indexes, oldest first. Each is under the signed head.
    pub async fn last_records(&self, limit: u32) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.verified(|size| size.saturating_sub(u64::from(limit)), limit).await
    }

    async fn verified(&self, first: impl FnOnce(u64) -> u64, limit: u32) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let mut reader = self.lend().await?;
        let found = async {
            let verified = VerifiedLog::read(reader.connection(), self.log_origin(), &self.log_public_key()).await?;
            let first = first(verified.size());
            verified.records(reader.connection(), first, limit).await
        };
        let found = found.await;
        reader.done(found)
    }

    /// The hashes of a tile, full or as far as it is filled; `None` when it has none.
    pub async fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let mut reader = self.lend().await?;
        let found = tiles::tile(reader.connection(), level, index).await;
        Ok(reader.done(found)?.map(|hashes| encode_tile(&hashes)))
    }

    /// An entry bundle, full or as far as it is filled; `None` when it has no entry.
    pub async fn bundle(&self, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(first) = index.checked_mul(WIDTH) else { return Ok(None) };
        let entries: Vec<_> = self.records(first, WIDTH as u32).await?.into_iter().map(|(_, entry)| entry).collect();
        Ok(if entries.is_empty() { None } else { Some(encode_bundle(&entries)) })
    }

    /// The proof that record `index` is in the log of `size` records.
    pub async fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>, StoreError> {
        let mut reader = self.lend().await?;
        let found = proofs::inclusion(reader.connection(), index, size).await;
        reader.done(found)
    }

    /// The proof that the log of `new` records continues the one of `old`: nothing for the empty log.
    ///
    /// # Errors
    /// Also when there are not so many records.
    pub async fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>, StoreError> {
        let mut reader = self.lend().await?;
        let found = proofs::consistency(reader.connection(), old, new).await;
        reader.done(found)
    }
}

const WIDTH: u64 = TILE_WIDTH as u64;
