//! The one task that writes.
//!
//! It takes everything that waits, runs it in one transaction, appends all records to the log in one go, commits once, and
//! only then answers: many callers share one wait for the disk. Each change has a savepoint of its own.
//!
//! A caller may go away at any time: what is queued is still carried out.
//!
//! Next: `transaction`.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use model::{Clock, Timestamp};
use sqlx::{AnyConnection, Connection, raw_sql};
use tokio::{
    sync::mpsc,
    task::spawn_blocking,
    time::{MissedTickBehavior, interval, sleep},
};

use crate::{
    engine::{batch::Batch, commit_outcome::BatchError, job::Job, outbox::Outbox},
    epoch::view::View,
    error::StoreError,
    files::disk_reserve,
    log::{
        append::PROOF, index::Posted, known_head::KnownHead, open_calls::OpenCalls, signer::LogSigner,
        witness_file::Keeper,
    },
    sql::connect::Connect,
};

/// Most jobs in one transaction; more wait for the next.
const BATCH: usize = 512;
/// A transaction costs the same for one job as for many. When the last one had so much company, the next
/// waits [`LINGER`] for more; a caller on its own never waits.
const COMPANY: usize = 4;
/// How long a transaction waits for company.
const LINGER: Duration = Duration::from_millis(1);
/// How often the head of the log is written down beside the keys, at most.
const KEEP_EVERY: Duration = Duration::from_secs(3);

/// The task's state.
pub(crate) struct Writer {
    pub(crate) connect: Connect,
    pub(crate) connection: Option<AnyConnection>,
    pub(crate) signer: LogSigner,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) view: Arc<View>,
    /// The last head that this process wrote or checked.
    pub(crate) known: KnownHead,
    pub(crate) keeper: Keeper,
    pub(crate) swept_at: Timestamp,
    /// What the last transaction had no time for.
    pub(crate) postponed: VecDeque<Job>,
    /// A node keeps room on the disk for revocations, and proves that it can write; a visitor does not.
    pub(crate) is_node: bool,
    /// The calls that have no end yet.
    pub(crate) calls: OpenCalls,
    /// What the index of the log says of its newest records already.
    pub(crate) posted: Posted,
    /// Who is told of what.
    pub(crate) outbox: Arc<Outbox>,
}

impl Writer {
    /// Works until the queue is closed.
    pub(crate) async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut done = None;
        let mut ticks = interval(KEEP_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut proofs = interval(self.connect.silence() / 2);
        proofs.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut company = 0;
        while done.is_none() || !self.postponed.is_empty() {
            let mut batch = Batch { waiting: std::mem::take(&mut self.postponed), ..Batch::default() };
            let mut next = if batch.waiting.is_empty() {
                let first = tokio::select! {
                    job = jobs.recv() => job,
                    _ = ticks.tick() => {
                        self.keeper.keep(&self.signer, &self.known);
                        self.keep_disk().await;
                        continue;
                    }
                    _ = proofs.tick() => {
                        self.prove().await;
                        self.settle_calls().await;
                        continue;
                    }
                };
                if first.is_none() {
                    break;
                }
                if company >= COMPANY {
                    sleep(LINGER).await;
                }
                first
            } else {
                jobs.try_recv().ok()
            };
            while let Some(job) = next {
                match job {
                    Job::Close(closed) => {
                        done = Some(closed);
                        break;
                    }
                    job => batch.waiting.push_back(job),
                }
                next = if batch.waiting.len() < BATCH { jobs.try_recv().ok() } else { None };
            }
            company = batch.waiting.len();
            if !batch.waiting.is_empty() && !self.carry_out(batch).await {
                break;
            }
        }
        jobs.close();
        for job in std::mem::take(&mut self.postponed) {
            job.refuse(&BatchError::Closed);
        }
        while let Some(job) = jobs.recv().await {
            job.refuse(&BatchError::Closed);
        }
        self.calls.orphan_all();
        self.settle_calls().await;
        self.keeper.finish(&self.signer, &self.known).await;
        if let Some(connection) = self.connection {
            let _ = connection.close().await;
        }
        if let Some(done) = done {
            let _ = done.send(());
        }
    }

    /// Carries a batch out and answers everybody; `false` when the store must not go on.
    async fn carry_out(&mut self, mut batch: Batch) -> bool {
        match self.attempt(&mut batch).await {
            Ok(()) => {
                for (first, answer) in batch.ran {
                    answer(Ok(first));
                }
                self.postponed = batch.waiting;
                true
            }
            Err(error) => {
                self.view.committed(false);
                self.calls.undo(batch.moves);
                let closed = match &error {
                    BatchError::Forked(_) => {
                        let known = self.known.head.size;
                        tracing::error!(event = "log_forked", known, error = %error.to_store_error());
                        true
                    }
                    error => {
                        self.view.failed("commit_failed", error);
                        matches!(error, BatchError::Closed)
                    }
                };
                if closed {
                    self.view.close();
                }
                for (_, answer) in batch.ran {
                    answer(Err(error.to_store_error()));
                }
                for job in batch.waiting {
                    job.refuse(&error);
                }
                !closed
            }
        }
    }

    /// Writes the ends of calls that nobody else here will end, page by page. What fails is on the list still.
    async fn settle_calls(&mut self) {
        while self.view.commits() && (self.calls.has_orphans() || self.calls.is_in_doubt()) {
            if !self.carry_out(Batch::default()).await {
                return;
            }
        }
    }

    /// Room for a revocation on a full disk. That there is none is no fault yet, and is said by what fails.
    async fn keep_disk(&mut self) {
        if self.is_node && self.view.commits() {
            let data_dir = self.keeper.data_dir.clone();
            let _ = spawn_blocking(move || disk_reserve::keep_back(&data_dir)).await;
        }
    }

    /// Nobody commits, or a commit failed: would one go through now?
    async fn prove(&mut self) {
        let is_recent = !self.is_node || self.view.since_commit() * 2 < self.connect.silence();
        if self.view.commits() && is_recent {
            return;
        }
        let patience = self.connect.patience();
        let wrote = async {
            let (mut connection, _) = patience.wait(self.begin()).await?;
            patience.wait(async { Ok(raw_sql(PROOF).execute(&mut connection).await?) }).await?;
            self.connection = Some(connection);
            Ok::<_, StoreError>(())
        };
        if wrote.await.is_ok() {
            self.view.committed(true);
        }
    }
}
