//! Verified tokens that were seen before, by digest.
//!
//! Two generations a shard: when the younger is full it becomes the older, and the older is dropped.
//! That bounds the memory, keeps what is in use, and needs no bookkeeping per look-up.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crypto::Digest;

use super::Principal;

const SHARDS: usize = 16;
const GENERATION: usize = 2048;

/// Verdicts by token digest; at most `2 × SHARDS × GENERATION`.
#[derive(Debug)]
pub struct PrincipalCache {
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Debug, Default)]
struct Shard {
    young: HashMap<[u8; 32], Arc<Principal>>,
    old: HashMap<[u8; 32], Arc<Principal>>,
}

impl PrincipalCache {
    /// None yet.
    pub fn new() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()) }
    }

    /// The verdict on a token, if one was reached under this very epoch.
    pub fn find(&self, digest: &Digest, epoch: u64) -> Option<Arc<Principal>> {
        let mut shard = self.shard(digest);
        let found = match shard.young.get(digest.bytes()) {
            Some(principal) => principal.clone(),
            None => {
                let principal = shard.old.remove(digest.bytes())?;
                shard.insert(digest, principal.clone());
                principal
            }
        };
        (found.epoch() == epoch).then_some(found)
    }

    /// Remembers a verdict.
    pub fn keep(&self, digest: Digest, principal: Arc<Principal>) {
        self.shard(&digest).insert(&digest, principal);
    }

    fn shard(&self, digest: &Digest) -> std::sync::MutexGuard<'_, Shard> {
        let at = usize::from(digest.bytes()[0]) % SHARDS;
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn insert(&mut self, digest: &Digest, principal: Arc<Principal>) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(*digest.bytes(), principal);
    }
}
