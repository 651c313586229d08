//! What the handle tells of the log: records that are under the signed head, tiles, proofs.
//!
//! Spec: C2SP tlog-tiles.

use audit::{Hash, TILE_WIDTH, encode_bundle, encode_tile};
use model::{Agent, Id, Timestamp};

use crate::{
    engine::store::Store,
    error::StoreError,
    log::{
        index::{self, BLOCK, Indexed},
        proofs, rows, tiles,
        verified_read::VerifiedLog,
    },
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

    /// What `pick` makes of the newest records of `agents` since `since`, newest first: at most `limit`, from as many
    /// blocks of the index as [`MOST_BLOCKS`]. It is also asked about other records that stand beside them.
    pub async fn newest_of<T>(
        &self,
        word: Indexed,
        agents: &[Id<Agent>],
        since: Timestamp,
        limit: usize,
        pick: impl Fn(u64, &[u8]) -> Option<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut reader = self.lend().await?;
        let found = async {
            let connection = reader.connection();
            let blocks = index::blocks(connection, word, agents, since, MOST_BLOCKS).await?;
            let mut found = Vec::new();
            if blocks.is_empty() {
                return Ok(found);
            }
            let verified = VerifiedLog::read(connection, self.log_origin(), &self.log_public_key()).await?;
            for block in blocks {
                let records = verified.records(connection, block.saturating_mul(BLOCK), BLOCK as u32).await?;
                found.extend(records.iter().rev().filter_map(|(index, record)| pick(*index, record)));
                if found.len() >= limit {
                    break;
                }
            }
            found.truncate(limit);
            Ok(found)
        };
        let found = found.await;
        reader.done(found)
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
/// So many blocks are looked at for one answer.
const MOST_BLOCKS: u32 = 40;
