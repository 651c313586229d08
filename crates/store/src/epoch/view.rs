//! What a node holds in memory: the revocation epoch, the blocks, and how old they may be.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use audit::Hash;
use crypto::{KeyRing, MasterKey};
use model::{Block, Outages, Over, Timestamp};
use sqlx::AnyConnection;
use tokio::sync::{Notify, watch};

use crate::{
    epoch::{
        stamp::{self, Epoch},
        uptime::Uptime,
    },
    error::{StoreError, StoreSilent},
    sql::statement::all,
    tables::{access_keys, blocks, catalogue::Pins, exceptions::StandingExceptions},
};

/// After so many commits there is something to move out of the write-ahead log.
const COMMITS: u32 = 8;

/// What was seen in the database.
pub(crate) struct Seen {
    pub(crate) epoch: Epoch,
    blocks: Vec<Block>,
    keys: KeyRing,
    pins: Arc<Pins>,
    exceptions: StandingExceptions,
}

impl Seen {
    /// Reads the epoch first and the rest after it: that may be newer than the epoch, never older. Of what servers say
    /// of their tools, `pins` is what was read before.
    pub(crate) async fn read(
        connection: &mut AnyConnection,
        master: &MasterKey,
        pins: Arc<Pins>,
    ) -> Result<Self, StoreError> {
        let epoch = stamp::current(connection).await?;
        let blocks = all(connection, blocks::all()).await?;
        let keys = access_keys::ring(connection, master).await?;
        let pins = pins.read_again(connection).await?.map_or(pins, Arc::new);
        let exceptions = StandingExceptions::read(connection).await?;
        Ok(Self { epoch, blocks, keys, pins, exceptions })
    }
}

/// What a node holds in memory.
///
/// Its own epochs are numbers that count what was shown here, and never come again in this process; which epoch of the
/// database stands behind the newest one is in `shown`.
pub(crate) struct View {
    epoch: watch::Sender<u64>,
    /// The same number, for the hot path.
    current: AtomicU64,
    shown: ArcSwap<(u64, Epoch)>,
    blocks: ArcSwap<Vec<Block>>,
    keys: ArcSwap<KeyRing>,
    pins: ArcSwap<Pins>,
    exceptions: ArcSwap<StandingExceptions>,
    master: MasterKey,
    publishing: Mutex<()>,
    /// The newest head of the log that anybody in this process wrote or checked, as size and root.
    head: Mutex<(u64, Hash)>,
    began: Uptime,
    /// Microseconds from `began` to the start of the last sign of life that succeeded.
    heard: AtomicU64,
    silence: Duration,
    /// The latest time of any change that was seen.
    mark: AtomicI64,
    /// Why this node answers nobody although the store is there; see [`Halt`].
    halted: AtomicU64,
    /// The last commit went through.
    committed: AtomicBool,
    /// Microseconds from `began` to the last commit that went through.
    proven: AtomicU64,
    is_closed: AtomicBool,
    /// The same, for whoever waits for it.
    closed: watch::Sender<bool>,
    /// Failures that last, so that each is not a line.
    outages: Outages,
    /// Something was shown that other nodes wait for.
    pub(crate) news: Notify,
    /// Many commits went through since this was said last.
    pub(crate) commits_went: Notify,
    unsaid_commits: AtomicU32,
}

/// Why a node answers nobody although it hears its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Halt {
    /// Nothing is wrong.
    No = 0,
    /// The file `deny-all` stands in the data directory.
    Denied = 1,
    /// Its clock and that of the database are too far apart.
    Clock = 2,
    /// Its clock stands far behind the last change: what stands goes on, and nothing more is given.
    Behind = 3,
}

impl View {
    /// `began`: before the first sign of life was written. The first lease counts from there.
    pub(crate) fn new(seen: Seen, master: MasterKey, silence: Duration, began: Uptime, head: (u64, Hash)) -> Self {
        const FIRST: u64 = 1;
        Self {
            epoch: watch::Sender::new(FIRST),
            current: AtomicU64::new(FIRST),
            shown: ArcSwap::from_pointee((FIRST, seen.epoch)),
            blocks: ArcSwap::from_pointee(seen.blocks),
            keys: ArcSwap::from_pointee(seen.keys),
            pins: ArcSwap::new(seen.pins),
            exceptions: ArcSwap::from_pointee(seen.exceptions),
            master,
            publishing: Mutex::new(()),
            head: Mutex::new(head),
            began,
            heard: AtomicU64::new(0),
            silence,
            mark: AtomicI64::new(0),
            halted: AtomicU64::new(Halt::No as u64),
            committed: AtomicBool::new(true),
            proven: AtomicU64::new(began.elapsed().as_micros() as u64),
            is_closed: AtomicBool::new(false),
            closed: watch::Sender::new(false),
            outages: Outages::default(),
            news: Notify::new(),
            commits_went: Notify::new(),
            unsaid_commits: AtomicU32::new(0),
        }
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.current.load(Ordering::Acquire)
    }

    pub(crate) fn epochs(&self) -> watch::Receiver<u64> {
        self.epoch.subscribe()
    }

    /// Which epoch of the database is shown, and under which number here.
    pub(crate) fn shown(&self) -> Arc<(u64, Epoch)> {
        self.shown.load_full()
    }

    pub(crate) fn blocks(&self) -> Arc<Vec<Block>> {
        self.blocks.load_full()
    }

    pub(crate) fn keys(&self) -> Arc<KeyRing> {
        self.keys.load_full()
    }

    pub(crate) fn pins(&self) -> Arc<Pins> {
        self.pins.load_full()
    }

    pub(crate) fn exceptions(&self) -> Arc<StandingExceptions> {
        self.exceptions.load_full()
    }

    pub(crate) fn master(&self) -> &MasterKey {
        &self.master
    }

    /// Reads what [`Self::publish`] shows.
    pub(crate) async fn read(&self, connection: &mut AnyConnection) -> Result<Seen, StoreError> {
        Seen::read(connection, &self.master, self.pins()).await
    }

    /// The newest head that was written or checked here.
    pub(crate) fn head(&self) -> (u64, Hash) {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves on to `to`, which was checked to continue `from`; `false` when somebody moved meanwhile, and `to` has to be
    /// checked against that.
    pub(crate) fn move_head(&self, from: (u64, Hash), to: (u64, Hash)) -> bool {
        let mut head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        let is_next = *head == from;
        if is_next {
            *head = to;
        }
        is_next
    }

    /// Shows what was seen by a read that began when `before` was shown; `false` when something else came in between,
    /// and may be newer.
    pub(crate) fn publish_after(&self, before: u64, seen: Seen) -> bool {
        let _one_at_a_time = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let is_next = self.epoch() == before;
        if is_next {
            self.show(seen);
        }
        is_next
    }

    fn show(&self, seen: Seen) {
        let number = self.epoch() + 1;
        // INVARIANT: the blocks, keys, pins and exceptions are there before the epoch that says so.
        self.blocks.store(Arc::new(seen.blocks));
        self.keys.store(Arc::new(seen.keys));
        self.pins.store(seen.pins);
        self.exceptions.store(Arc::new(seen.exceptions));
        self.shown.store(Arc::new((number, seen.epoch)));
        self.current.store(number, Ordering::Release);
        self.epoch.send_replace(number);
        self.news.notify_one();
    }

    /// A sign of life that began at `when` succeeded.
    pub(crate) fn heard(&self, when: Uptime) {
        let micros = when.since(self.began).as_micros() as u64;
        self.heard.fetch_max(micros, Ordering::AcqRel);
    }

    /// The store does not go on: nothing in memory may be relied on from now.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.closed.send_replace(true);
    }

    /// Says when the store does not go on.
    pub(crate) fn closed(&self) -> watch::Receiver<bool> {
        self.closed.subscribe()
    }

    /// Answers nobody from now, or goes on.
    pub(crate) fn halt(&self, why: Halt) {
        if self.halted.swap(why as u64, Ordering::AcqRel) != why as u64 {
            match why {
                Halt::No => tracing::warn!(event = "node_goes_on", "this node answers again"),
                Halt::Behind => tracing::error!(
                    event = "node_halted",
                    why = why.word(),
                    "nothing is issued or elevated here until the clock is set: it is behind the last change"
                ),
                why => tracing::error!(event = "node_halted", why = why.word(), "this node answers nobody"),
            }
        }
    }

    /// A change was made at `when`.
    pub(crate) fn changed(&self, when: Timestamp) {
        self.mark.fetch_max(when.micros(), Ordering::AcqRel);
    }

    /// The latest time of any change that was seen from here.
    pub(crate) fn mark(&self) -> Timestamp {
        Timestamp::from_micros(self.mark.load(Ordering::Acquire))
    }

    /// Did the last commit go through?
    pub(crate) fn committed(&self, went_through: bool) {
        let before = self.committed.swap(went_through, Ordering::AcqRel);
        if went_through {
            self.proven.store(self.began.elapsed().as_micros() as u64, Ordering::Release);
            // Only the writer counts.
            if self.unsaid_commits.fetch_add(1, Ordering::Relaxed) + 1 >= COMMITS {
                self.unsaid_commits.store(0, Ordering::Relaxed);
                self.commits_went.notify_one();
            }
        }
        if went_through && !before {
            self.ended("commit_failed", "store_commits");
            self.outages.ends("record_failed", Instant::now());
        }
    }

    /// How long ago the last commit went through.
    pub(crate) fn since_commit(&self) -> Duration {
        let proven = Duration::from_micros(self.proven.load(Ordering::Acquire));
        self.began.elapsed().saturating_sub(proven)
    }

    /// The store failed somebody: a line, unless there was one a moment ago.
    pub(crate) fn failed(&self, event: &'static str, error: &dyn std::error::Error) {
        if let Some(count) = self.outages.fails(event, Instant::now()) {
            tracing::error!(event, %error, count);
        }
    }

    /// What is called `event` does not fail any more: a line `over`, when it did.
    pub(crate) fn ended(&self, event: &'static str, over: &'static str) {
        if let Some(Over { lasted, count }) = self.outages.ends(event, Instant::now()) {
            tracing::warn!(event = over, after_seconds = lasted.as_secs(), failures = count);
        }
    }

    /// Whether the last commit went through.
    pub(crate) fn commits(&self) -> bool {
        self.committed.load(Ordering::Acquire)
    }

    pub(crate) fn freshness(&self) -> Result<(), StoreSilent> {
        self.standing_freshness()?;
        match self.halted.load(Ordering::Acquire) {
            halted if halted == Halt::Behind as u64 => Err(StoreSilent::Clock),
            _ => Ok(()),
        }
    }

    /// How long ago what is held here was compared with the store.
    pub(crate) fn since_heard(&self) -> Duration {
        let heard = Duration::from_micros(self.heard.load(Ordering::Acquire));
        self.began.elapsed().saturating_sub(heard)
    }

    pub(crate) fn standing_freshness(&self) -> Result<(), StoreSilent> {
        let since = self.since_heard();
        if self.is_closed.load(Ordering::Acquire) {
            return Err(StoreSilent::Closed);
        }
        match self.halted.load(Ordering::Acquire) {
            halted if halted == Halt::Denied as u64 => Err(StoreSilent::Denied),
            halted if halted == Halt::Clock as u64 => Err(StoreSilent::Clock),
            _ if since > self.silence => Err(StoreSilent::Silent { since }),
            _ => Ok(()),
        }
    }
}

impl Halt {
    const fn word(self) -> &'static str {
        match self {
            Self::No => "nothing",
            Self::Denied => "deny-all",
            Self::Clock => "clock",
            Self::Behind => "clock_behind",
        }
    }
}
