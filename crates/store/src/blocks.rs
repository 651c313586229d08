//! Blocks: what the kill switch has stopped.

use model::{Block, Target, Timestamp};

use crate::{Store, StoreError, Tx};

impl Store {
    /// Every block in the database, newest first. [`Store::blocks`] is the copy in memory.
    pub async fn all_blocks(&self) -> Result<Vec<Block>, StoreError> {
        todo!()
    }
}

impl Tx<'_> {
    /// Adds a block, or renews the one on the same target, and bumps the epoch.
    pub async fn put_block(&mut self, block: &Block) -> Result<(), StoreError> {
        todo!()
    }

    /// Lifts the standing block on `target` and bumps the epoch; `false` when there is none.
    pub async fn lift_block(&mut self, target: &Target, now: Timestamp) -> Result<bool, StoreError> {
        todo!()
    }
}
