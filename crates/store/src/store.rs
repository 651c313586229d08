//! The handle everybody holds.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use model::{Block, Clock, Event, Timestamp};
use token::{KeyRing, MasterKey};

use crate::{Commit, StoreError, StoreSilent, Tx};

/// The handle to an open store; cheap to clone.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {}

impl Store {
    /// The clock that everything around this store uses.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        todo!()
    }

    /// Now, by that clock.
    pub fn now(&self) -> Timestamp {
        self.clock().now()
    }

    /// The keys that sign access tokens.
    pub fn keys(&self) -> Arc<KeyRing> {
        todo!()
    }

    /// The key under which secrets are sealed.
    pub fn master(&self) -> &MasterKey {
        todo!()
    }

    /// The Ed25519 public key of the audit log.
    pub fn log_public_key(&self) -> [u8; 32] {
        todo!()
    }

    /// The name of the audit log in its checkpoints.
    pub fn log_origin(&self) -> &str {
        todo!()
    }

    /// The revocation epoch this node acts on.
    pub fn epoch(&self) -> u64 {
        todo!()
    }

    /// Says when the epoch changes. [`Self::blocks`] is up to date before it does.
    pub fn epochs(&self) -> tokio::sync::watch::Receiver<u64> {
        todo!()
    }

    /// Every block, standing or lifted.
    pub fn blocks(&self) -> Arc<Vec<Block>> {
        todo!()
    }

    /// Has the store been heard from within `store_silence`? If not, nothing held in memory may be relied on.
    pub fn freshness(&self) -> Result<(), StoreSilent> {
        todo!()
    }

    /// Changes something. The closure composes the change and ends it with a [`Commit`]; what it did is
    /// on disk, with its events in the log, when this returns.
    ///
    /// The closure runs on the writer's task: it must not wait for anything but `tx`.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<Commit<T>, E>> + Send + 'static,
        E: From<StoreError> + Send + 'static,
        T: Send + 'static,
    {
        todo!()
    }

    /// Appends `event` to the log; durable when this returns its index.
    pub async fn record(&self, event: Event) -> Result<u64, StoreError> {
        todo!()
    }

    /// Returns when every live node acts on an epoch at least as new as the newest in the database.
    pub async fn wait_until_everywhere(&self) -> Result<(), StoreError> {
        todo!()
    }

    /// Finishes what was queued and lets the database go. Other clones answer [`StoreError::Closed`].
    pub async fn close(self) {
        todo!()
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}
