//! The handle everybody holds.

use std::{
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crypto::{AccessTokenError, Expected, KeyRing, MasterKey, Presented, SigningKey, Verified};
use futures_util::future::BoxFuture;
use model::{Block, Clock, Event, Timestamp, event::Facts};
use serde_json::Value;
use tokio::{
    sync::{
        mpsc,
        oneshot::{self, Receiver, error::RecvError},
        watch,
    },
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use crate::{
    engine::{
        commit::Commit,
        job::{Job, Start, Typed},
        options::OpenOptions,
        outbox::Outbox,
    },
    epoch::{clock_accept::NoNodeRuns, propagation, view::View},
    error::{StoreError, StoreSilent},
    files::disk_reserve,
    sql::{connect::Connect, readers::Readers, tx::Tx},
    tables::{
        access_keys::{self, SealedKey},
        catalogue::Pins,
        exceptions::StandingExceptions,
    },
};

/// How long a caller waits for its turn.
const PATIENCE: Duration = Duration::from_secs(2);

/// The handle to an open store; cheap to clone. When the last one is dropped, what is queued is still carried out.
#[derive(Clone)]
pub struct Store {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) options: OpenOptions,
    pub(super) connect: Connect,
    pub(super) log_public_key: [u8; 32],
    pub(super) log_origin: String,
    pub(super) view: Arc<View>,
    pub(super) readers: Arc<Readers>,
    pub(super) jobs: mpsc::Sender<Job>,
    /// It serves, and is not only a visitor.
    pub(super) is_node: bool,
    pub(super) watcher: Mutex<Option<(watch::Sender<()>, JoinHandle<()>)>>,
    pub(super) outbox: Arc<Outbox>,
}

/// What came out of a job; an error when the writer is gone.
type Answered<T> = Result<T, RecvError>;

impl Store {
    /// The clock that everything around this store uses.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.options.clock
    }

    /// Now, by that clock, and never before the last change that was seen.
    pub fn now(&self) -> Timestamp {
        self.clock().now().max(self.view().mark())
    }

    /// The public halves of the keys that sign access tokens at `now`, or will soon.
    ///
    /// Spec: RFC 7517 §5.
    pub fn jwks(&self, now: Timestamp) -> Value {
        self.keys().jwks(now)
    }

    /// Verifies an access token with the public halves of the keys that sign them.
    ///
    /// # Errors
    /// [`AccessTokenError`], one variant per cause.
    pub fn verify_access(
        &self,
        presented: Presented,
        expected: &Expected<'_>,
        now: Timestamp,
    ) -> Result<Verified, AccessTokenError> {
        self.keys().verify_access(presented, expected, now)
    }

    /// The keys that sign access tokens.
    pub(super) fn keys(&self) -> Arc<KeyRing> {
        self.view().keys()
    }

    /// The key under which secrets are sealed.
    pub(super) fn master(&self) -> &MasterKey {
        self.view().master()
    }

    /// The Ed25519 public key of the audit log.
    pub fn log_public_key(&self) -> [u8; 32] {
        self.shared.log_public_key
    }

    /// The name of the audit log in its checkpoints; the one it began with, whatever is configured now.
    pub fn log_origin(&self) -> &str {
        &self.shared.log_origin
    }

    /// The revocation epoch this node acts on.
    pub fn epoch(&self) -> u64 {
        self.view().epoch()
    }

    /// Says when the epoch changes. [`Self::blocks`] is up to date before it does.
    pub fn epochs(&self) -> watch::Receiver<u64> {
        self.view().epochs()
    }

    /// Every block, standing or lifted.
    pub fn blocks(&self) -> Arc<Vec<Block>> {
        self.view().blocks()
    }

    /// What servers say of their tools and prompts, and what of it counts.
    pub fn pins(&self) -> Arc<Pins> {
        self.view().pins()
    }

    /// The exceptions that nobody has ended.
    pub fn exceptions(&self) -> Arc<StandingExceptions> {
        self.view().exceptions()
    }

    /// Says in the log that the store failed somebody, under the stable word `event`: the first time, and while it lasts
    /// every ten seconds, with the number of times.
    pub fn failed(&self, event: &'static str, error: &StoreError) {
        self.view().failed(event, error);
    }

    /// Has the store been heard from within `store_silence`? If not, nothing held in memory may be relied on.
    pub fn freshness(&self) -> Result<(), StoreSilent> {
        self.view().freshness()
    }

    /// The same for what stands already: the baseline of a grant, and taking away. A clock that is far behind the last
    /// change says nothing about either, because time does not go back in the store; it is no ground to give more.
    pub fn standing_freshness(&self) -> Result<(), StoreSilent> {
        self.view().standing_freshness()
    }

    /// Changes something. The closure composes the change and ends it with a [`Commit`]; what it did is
    /// on disk, with its events in the log, when this returns.
    ///
    /// All changes of all nodes happen one after the other: what the closure reads through `tx` stays true
    /// until it ends. An `Err`, a panic or [`Commit::nothing`] rolls back this change and no other. The
    /// closure runs on the writer's task, so it must not wait for anything but `tx`. Once queued, a change
    /// is carried out even when the caller goes away. A change whose turn does not come within two seconds
    /// is withdrawn ([`StoreError::Busy`]); one that has begun is waited for.
    ///
    /// ```
    /// # use model::{*, event::Revoked};
    /// # use portcullis_store::{*, privilege::PrivilegeTx};
    /// /// Ends a grant; `false` when it had ended before.
    /// async fn end(store: &Store, id: Id<Grant>) -> Result<bool, StoreError> {
    ///     store
    ///         .write(move |tx| {
    ///             Box::pin(async move {
    ///                 let now = tx.now();
    ///                 if !PrivilegeTx::of(tx).end_grant(&id, now).await? {
    ///                     return Ok(Commit::nothing(false));
    ///                 }
    ///                 let event = Revoked::of(&Target::Grant(id), "a lost laptop".into()).by(Actor::Operator);
    ///                 Ok(Commit::with(event, true))
    ///             })
    ///         })
    ///         .await
    /// }
    /// ```
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<Commit<T>, E>> + Send + 'static,
        E: From<StoreError> + Send + 'static,
        T: Send + 'static,
    {
        let (answer, outcome) = oneshot::channel();
        // The writer never drops a job unanswered, except together with a batch it had to give up.
        let change = |start| Job::Change(Box::new(Typed { work, answer }), start);
        self.ask(change, outcome).await?.unwrap_or_else(|_| Err(StoreError::Unknown.into()))
    }

    /// Appends `event` to the log; durable when this returns its index. Withdrawn like [`Self::write`].
    pub async fn record(&self, event: Event) -> Result<u64, StoreError> {
        let (answer, outcome) = oneshot::channel();
        let answer = Box::new(move |recorded| {
            let _ = answer.send(recorded);
        });
        let record = |start| Job::Record(event, answer, start);
        self.ask(record, outcome).await?.unwrap_or(Err(StoreError::Unknown))
    }

    /// Queues a job and waits for its outcome; withdraws it when its turn does not come.
    async fn ask<T>(&self, job: impl FnOnce(Start) -> Job, outcome: Receiver<T>) -> Result<Answered<T>, StoreError> {
        let (start, mut outcome) = (Start::default(), outcome);
        let deadline = Instant::now() + PATIENCE;
        match timeout_at(deadline, self.shared.jobs.send(job(start.clone()))).await {
            Ok(sent) => sent.map_err(|_| StoreError::Closed)?,
            Err(_) => return Err(StoreError::Busy),
        }
        match timeout_at(deadline, &mut outcome).await {
            Ok(answered) => Ok(answered),
            Err(_) if start.withdraw() => Err(StoreError::Busy),
            // It has begun: what comes of it has to be told.
            Err(_) => Ok(outcome.await),
        }
    }

    /// Which epoch of the database stands behind `epoch` of this process; `None` when it is not the newest any more.
    pub fn epoch_stamp(&self, epoch: u64) -> Option<String> {
        let shown = self.view().shown();
        (shown.0 == epoch).then(|| shown.1.stamp.clone())
    }

    /// How old what is held in memory is now, for the record of a decision that rests on it under `epoch` of this process.
    pub fn facts(&self, epoch: u64) -> Facts {
        let age = u64::try_from(self.view().since_heard().as_millis()).unwrap_or(u64::MAX);
        Facts { epoch: self.epoch_stamp(epoch), facts_age_ms: age }
    }

    /// Did the last commit go through, and just now? A node makes one when nobody else does: the lease goes by another
    /// row, and whoever holds the head of the log holds up the work and not the lease.
    pub fn commits(&self) -> bool {
        let is_recent = || self.view().since_commit() < 3 * (self.silence() / 2);
        self.view().commits() && (!self.shared.is_node || is_recent())
    }

    /// Gives back the room on the disk that is kept for revocations; `false` when there is none. A node that runs takes
    /// it again when there is room.
    pub fn give_back_disk(&self) -> bool {
        disk_reserve::give_back(&self.shared.options.data_dir)
    }

    /// From now nobody is answered here, and only a new process can go on: the store is not what it should be, as somebody
    /// outside knows.
    pub fn give_up(&self) {
        self.view().close();
    }

    /// Returns when the store does not go on: only a new process can.
    pub async fn closed(&self) {
        let mut closed = self.view().closed();
        // An error means that the store is gone altogether.
        let _ = closed.wait_for(|closed| *closed).await;
    }

    /// Finishes what was queued and lets the database go. Other clones answer [`StoreError::Closed`].
    pub async fn close(self) {
        let (closed, done) = oneshot::channel();
        if self.shared.jobs.send(Job::Close(closed)).await.is_ok() {
            let _ = done.await;
        }
        self.view().close();
        let watcher = self.shared.watcher.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((stop, watcher)) = watcher {
            drop(stop);
            let _ = watcher.await;
        }
        self.shared.readers.close().await;
        self.shared.outbox.close().await;
    }

    /// Makes a key that nobody signs with yet.
    pub fn new_access_key(&self) -> SealedKey {
        access_keys::seal(self.master(), &SigningKey::generate())
    }

    /// Returns when every live node has written down, durably, that it acts on an epoch at least as new as the one that
    /// this process shows: the one of its own last change, or a later one. An error when that is not in the database any
    /// more.
    ///
    /// A node that gives no sign of life for `store_silence` refuses everything by itself, so nobody waits
    /// for it longer. Clocks of different machines are never compared.
    pub async fn wait_until_everywhere(&self) -> Result<(), StoreError> {
        propagation::wait(&self.shared.connect, self.view()).await
    }

    /// Looks for nodes, which takes as long as one may be silent.
    ///
    /// # Errors
    /// [`StoreError::NodesRun`] when there is one.
    pub async fn no_node_runs(&self) -> Result<NoNodeRuns, StoreError> {
        NoNodeRuns::look(&self.shared.connect).await
    }

    fn view(&self) -> &View {
        &self.shared.view
    }

    fn silence(&self) -> Duration {
        self.shared.options.store_silence.duration()
    }
}

/// Whatever can be read of the tables can be read through the store.
impl Deref for Store {
    type Target = Readers;

    fn deref(&self) -> &Readers {
        &self.shared.readers
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}
