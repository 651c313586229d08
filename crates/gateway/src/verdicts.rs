//! Verified tokens that were seen before, by digest.
//!
//! Two generations a shard: when the younger is full it becomes the older, and the older is dropped.
//! That bounds the memory, keeps what is in use, and needs no bookkeeping per look-up.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use token::Digest;

use crate::live::Live;

const SHARDS: usize = 16;
const GENERATION: usize = 2048;

/// Verdicts by token digest; at most `2 × SHARDS × GENERATION`.
#[derive(Debug)]
pub struct Verdicts {
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Debug, Default)]
struct Shard {
    young: HashMap<[u8; 32], Arc<Live>>,
    old: HashMap<[u8; 32], Arc<Live>>,
}

impl Verdicts {
    /// None yet.
    pub fn new() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()) }
    }

    /// The verdict on a token, if one was reached under this very epoch.
    pub fn find(&self, digest: &Digest, epoch: u64) -> Option<Arc<Live>> {
        let mut shard = self.shard(digest);
        let found = match shard.young.get(digest.bytes()) {
            Some(live) => live.clone(),
            None => {
                let live = shard.old.remove(digest.bytes())?;
                shard.insert(digest, live.clone());
                live
            }
        };
        (found.epoch() == epoch).then_some(found)
    }

    /// Remembers a verdict.
    pub fn keep(&self, digest: Digest, live: Arc<Live>) {
        self.shard(&digest).insert(&digest, live);
    }

    fn shard(&self, digest: &Digest) -> std::sync::MutexGuard<'_, Shard> {
        let at = usize::from(digest.bytes()[0]) % SHARDS;
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn insert(&mut self, digest: &Digest, live: Arc<Live>) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(*digest.bytes(), live);
    }
}
