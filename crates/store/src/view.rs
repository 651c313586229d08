//! What a node holds in memory: the revocation epoch, the blocks, and how old they may be.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use model::Block;
use sqlx::{AnyConnection, query};
use token::{KeyRing, MasterKey};
use tokio::sync::watch;

use crate::{StoreError, StoreSilent, access_keys, blocks, columns::Columns};

/// What was seen in the database.
pub(crate) struct Seen {
    pub(crate) epoch: u64,
    blocks: Vec<Block>,
    keys: KeyRing,
}

impl Seen {
    /// Reads the epoch first and the rest after it: that may be newer than the epoch, never older.
    pub(crate) async fn read(connection: &mut AnyConnection, master: &MasterKey) -> Result<Self, StoreError> {
        let epoch = epoch(connection).await?;
        let blocks = blocks::all(connection).await?;
        Ok(Self { epoch, blocks, keys: access_keys::ring(connection, master).await? })
    }
}

/// The epoch in the database.
pub(crate) async fn epoch(connection: &mut AnyConnection) -> Result<u64, StoreError> {
    let row = query("SELECT value FROM counter WHERE name = 'epoch'").fetch_one(connection).await?;
    Columns::of("epoch", &row).number()
}

/// What a node holds in memory.
pub(crate) struct View {
    epoch: watch::Sender<u64>,
    /// The same number, for the hot path.
    current: AtomicU64,
    blocks: ArcSwap<Vec<Block>>,
    keys: ArcSwap<KeyRing>,
    master: MasterKey,
    publishing: Mutex<()>,
    began: Instant,
    /// Microseconds from `began` to the start of the last read that succeeded.
    heard: AtomicU64,
    silence: Duration,
    closed: AtomicBool,
}

impl View {
    pub(crate) fn new(seen: Seen, master: MasterKey, silence: Duration) -> Self {
        Self {
            epoch: watch::Sender::new(seen.epoch),
            current: AtomicU64::new(seen.epoch),
            blocks: ArcSwap::from_pointee(seen.blocks),
            keys: ArcSwap::from_pointee(seen.keys),
            master,
            publishing: Mutex::new(()),
            began: Instant::now(),
            heard: AtomicU64::new(0),
            silence,
            closed: AtomicBool::new(false),
        }
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.current.load(Ordering::Acquire)
    }

    pub(crate) fn epochs(&self) -> watch::Receiver<u64> {
        self.epoch.subscribe()
    }

    pub(crate) fn blocks(&self) -> Arc<Vec<Block>> {
        self.blocks.load_full()
    }

    pub(crate) fn keys(&self) -> Arc<KeyRing> {
        self.keys.load_full()
    }

    pub(crate) fn master(&self) -> &MasterKey {
        &self.master
    }

    /// Reads what [`Self::publish`] shows.
    pub(crate) async fn read(&self, connection: &mut AnyConnection) -> Result<Seen, StoreError> {
        Seen::read(connection, &self.master).await
    }

    /// Shows what was seen, unless something newer is shown already.
    pub(crate) fn publish(&self, seen: Seen) {
        let _one_at_a_time = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.epoch > self.epoch() {
            // INVARIANT: the blocks and keys are there before the epoch that says so.
            self.blocks.store(Arc::new(seen.blocks));
            self.keys.store(Arc::new(seen.keys));
            self.current.store(seen.epoch, Ordering::Release);
            self.epoch.send_replace(seen.epoch);
        }
    }

    /// A read that began at `when` succeeded.
    pub(crate) fn heard(&self, when: Instant) {
        let micros = when.saturating_duration_since(self.began).as_micros() as u64;
        self.heard.fetch_max(micros, Ordering::AcqRel);
    }

    /// The store does not go on: nothing in memory may be relied on from now.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    pub(crate) fn freshness(&self) -> Result<(), StoreSilent> {
        let heard = Duration::from_micros(self.heard.load(Ordering::Acquire));
        let since = self.began.elapsed().saturating_sub(heard);
        if since > self.silence || self.closed.load(Ordering::Acquire) { Err(StoreSilent { since }) } else { Ok(()) }
    }
}
