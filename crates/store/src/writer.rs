//! The one task that writes.
//!
//! It takes everything that waits, runs it in one transaction, appends all records to the log in one go, commits once, and
//! only then answers: many callers share one wait for the disk. Each change has a savepoint of its own.
//!
//! A caller may go away at any time: what is queued is still carried out.
//!
//! Next: `append`.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use audit::Hash;
use model::{Clock, Span, Timestamp};
use sqlx::{AnyConnection, Connection, raw_sql};
use tokio::{
    sync::mpsc,
    task::spawn_blocking,
    time::{MissedTickBehavior, interval, sleep},
};

use crate::{
    StoreError, Tx,
    append::{LogSigner, PROOF, encoded},
    change::{Answer, Change, Job},
    connect::{Connect, Purpose},
    epoch,
    known::{Head, Known},
    last_head::Keeper,
    open_calls::{Moves, OpenCalls, PAGE},
    outcome::{self, BatchError},
    reserve, sweep,
    view::{Seen, View},
    watch::continues,
};

/// Most jobs in one transaction; more wait for the next.
const BATCH: usize = 512;
/// A transaction costs the same for one job as for many. When the last one had so much company, the next
/// waits [`LINGER`] for more; a caller on its own never waits.
const COMPANY: usize = 4;
/// How long a transaction waits for company.
const LINGER: Duration = Duration::from_millis(1);
/// How often expired rows are deleted, at most.
const SWEEP_EVERY: Span = Span::from_minutes(1);
/// How far the clock of a node may run ahead of that of the database server.
const APART: Span = Span::from_seconds(2);
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
    pub(crate) known: Known,
    pub(crate) keeper: Keeper,
    pub(crate) swept_at: Timestamp,
    /// What the last transaction had no time for.
    pub(crate) left: VecDeque<Job>,
    /// A node keeps room on the disk for revocations, and proves that it can write; a visitor does not.
    pub(crate) is_node: bool,
    /// The calls that have no end yet.
    pub(crate) calls: OpenCalls,
}

/// One transaction in the making.
#[derive(Default)]
struct Batch {
    waiting: VecDeque<Job>,
    /// Those that ran, with the index of their first record.
    ran: Vec<(u64, Answer)>,
    records: Vec<Vec<u8>>,
    changes: bool,
    /// There is a savepoint that nothing has changed since.
    at_savepoint: bool,
    bumped: bool,
    /// Time goes on from there, although it was later before.
    put_right: Option<Timestamp>,
    moves: Moves,
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
        while done.is_none() || !self.left.is_empty() {
            let mut batch = Batch { waiting: std::mem::take(&mut self.left), ..Batch::default() };
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
        for job in std::mem::take(&mut self.left) {
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
                self.left = batch.waiting;
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

    /// An error in here drops the connection, and with it everything since BEGIN.
    async fn attempt(&mut self, batch: &mut Batch) -> Result<(), BatchError> {
        let patience = self.connect.patience();
        let (mut connection, (head, server)) = patience.wait(self.begin()).await?;
        let now = self.time(&head, server);
        patience.wait(self.known.follow(&mut connection, &self.signer, head)).await?;
        self.calls.follow(&self.known.head.open_calls);
        let shown = self.view.epoch();
        let seen_head = patience.wait(self.check_head(&mut connection)).await?;
        let first = self.known.head.size;
        let composed = patience.wait(self.compose(&mut connection, batch, now)).await?;
        let Some((known, seen)) = composed else {
            patience.wait(async { Ok(raw_sql("ROLLBACK").execute(&mut connection).await?) }).await?;
            self.connection = Some(connection);
            return Ok(());
        };
        match patience.wait(async { Ok(raw_sql("COMMIT").execute(&mut connection).await?) }).await {
            Ok(_) => self.connection = Some(connection),
            Err(error) => {
                drop(connection);
                outcome::of_commit(&self.connect, error, first, &batch.records).await?;
            }
        }
        self.calls.committed(known.head.open_calls.clone());
        self.known = known;
        self.view.committed(true);
        self.view.changed(now);
        let moved = self.view.move_head(seen_head, self.known.at());
        if let Some(seen) = seen {
            // Whoever is told that something was taken away is told what no restored copy can forget unseen.
            self.keeper.finish(&self.signer, &self.known).await;
            if moved && self.view.publish_after(shown, seen) {
                return Ok(());
            }
        } else if moved {
            return Ok(());
        }
        self.catch_up().await.map_err(|error| match error {
            BatchError::Forked(why) => BatchError::Forked(why),
            // It is on disk; what became of it there is another question.
            _ => BatchError::Unknown,
        })
    }

    /// Runs all jobs and appends their records; `None` when there is nothing to keep.
    async fn compose(
        &mut self,
        connection: &mut AnyConnection,
        batch: &mut Batch,
        now: Timestamp,
    ) -> Result<Option<(Known, Option<Seen>)>, StoreError> {
        let began = Instant::now();
        // Whoever holds the head of the log holds up everybody: what does not fit is for the next transaction.
        while began.elapsed() * 4 < self.connect.silence()
            && let Some(job) = batch.waiting.pop_front()
        {
            if !job.start() {
                continue;
            }
            let first = self.known.head.size + batch.records.len() as u64;
            match job {
                Job::Record(event, answer, _) if !self.calls.may_end(&event) => answer(Err(StoreError::CallOver)),
                Job::Record(event, answer, _) => match encoded(std::slice::from_ref(&event), now) {
                    Ok(records) => {
                        self.calls.note(&event, first, &mut batch.moves);
                        batch.records.extend(records);
                        batch.ran.push((first, answer));
                    }
                    Err(error) => answer(Err(error)),
                },
                Job::Change(change, _) => run(connection, change, now, first, batch, &mut self.calls).await?,
                Job::EndCalls(gone, done) => {
                    let ends = gone.ends(connection, &mut self.calls).await?;
                    batch.records.extend(encoded(&ends, now)?);
                    batch.ran.push((first, Box::new(|_| drop(done))));
                }
                Job::Close(_) => {}
            }
        }
        if self.calls.has_orphans() {
            let ends = self.calls.end_orphans(connection, PAGE).await?;
            batch.records.extend(encoded(&ends, now)?);
        }
        if batch.records.is_empty() {
            return Ok(None);
        }
        let now = batch.put_right.unwrap_or(now);
        if batch.changes && self.swept_at.after(SWEEP_EVERY) <= now {
            sweep::expired(connection, now).await?;
            self.swept_at = now;
        }
        let known = self.signer.append(connection, &self.known, &batch.records, self.calls.encode(), now).await?;
        let seen = if batch.bumped {
            epoch::begin(connection, &known.head).await?;
            Some(self.view.read(connection).await?)
        } else {
            None
        };
        Ok(Some((known, seen)))
    }

    /// Does the log under the lock continue what anybody in this process has seen? Returns what that was.
    async fn check_head(&mut self, connection: &mut AnyConnection) -> Result<(u64, Hash), StoreError> {
        let seen = self.view.head();
        continues(connection, seen, self.known.at()).await?;
        Ok(seen)
    }

    /// The watcher saw something while a commit was under way, which took longer than usual. What is true now is newer
    /// than both, and is shown only when it continues both.
    async fn catch_up(&mut self) -> Result<(), BatchError> {
        let patience = self.connect.patience();
        let kept = self.connection.take();
        let mut connection = if let Some(kept) = kept { kept } else { self.connect.connect(Purpose::Write).await? };
        loop {
            let (shown, seen) = (self.view.epoch(), self.view.head());
            let caught = async {
                let head = Head::read(&mut connection).await?;
                head.check(&self.signer.origin, &self.signer.public)?;
                let found = (head.size, head.frontier.root());
                continues(&mut connection, self.known.at(), found).await?;
                continues(&mut connection, seen, found).await?;
                Ok((found, self.view.read(&mut connection).await?))
            };
            let (found, now) = patience.wait(caught).await?;
            if self.view.move_head(seen, found) && self.view.publish_after(shown, now) {
                self.connection = Some(connection);
                return Ok(());
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
            let _ = spawn_blocking(move || reserve::keep_back(&data_dir)).await;
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

    /// The time of a change: never before the last one, and never far from the clock of the server.
    fn time(&self, head: &Head, server: Option<Timestamp>) -> Timestamp {
        let here = self.clock.now();
        let here = match server {
            Some(server) if self.clock.is_wall() => here.min(server.after(APART)),
            _ => here,
        };
        here.max(head.changed_at)
    }

    /// A connection with a transaction that no other writer can disturb, and the head of the log.
    async fn begin(&mut self) -> Result<(AnyConnection, (Head, Option<Timestamp>)), StoreError> {
        if let Some(mut connection) = self.connection.take()
            && let Ok(head) = begin_on(&self.connect, &mut connection).await
        {
            return Ok((connection, head));
        }
        // Nothing has happened yet: an old connection may be dead, so a new one gets its chance.
        let mut connection = self.connect.connect(Purpose::Write).await?;
        let head = begin_on(&self.connect, &mut connection).await?;
        Ok((connection, head))
    }
}

async fn begin_on(connect: &Connect, connection: &mut AnyConnection) -> Result<(Head, Option<Timestamp>), StoreError> {
    connect.begin(connection).await?;
    Head::lock(connection, connect.dialect).await
}

/// Runs one change between two savepoints.
async fn run(
    connection: &mut AnyConnection,
    change: Box<dyn Change>,
    now: Timestamp,
    first: u64,
    batch: &mut Batch,
    calls: &mut OpenCalls,
) -> Result<(), StoreError> {
    if !batch.at_savepoint {
        if let Err(error) = raw_sql("SAVEPOINT change").execute(&mut *connection).await {
            change.refuse(StoreError::RolledBack(error.to_string()));
            return Err(error.into());
        }
        batch.at_savepoint = true;
    }
    let mut tx = Tx::begun(connection, now);
    let ran = change.run(&mut tx).await;
    let (bumped, failed, put_right) = (tx.bumped, tx.failed, tx.put_right.then_some(tx.now));
    let kept = match encoded(&ran.events, put_right.unwrap_or(now)) {
        Ok(records) if records.is_empty() => None,
        // The closure went on regardless. PostgreSQL would refuse the release; both shall.
        Ok(_) if failed => Some(Err(StoreError::StatementIgnored)),
        Ok(records) => match raw_sql(NEXT_SAVEPOINT).execute(&mut *connection).await {
            Ok(_) => Some(Ok(records)),
            Err(error) => Some(Err(StoreError::Database(error))),
        },
        Err(error) => Some(Err(error)),
    };
    match kept {
        Some(Ok(records)) => {
            for (index, event) in (first..).zip(&ran.events) {
                calls.note(event, index, &mut batch.moves);
            }
            batch.records.extend(records);
            batch.changes = true;
            batch.bumped |= bumped;
            batch.put_right = put_right.or(batch.put_right);
            batch.ran.push((first, ran.answer));
        }
        Some(Err(error)) => {
            (ran.answer)(Err(error));
            roll_back(connection).await?;
        }
        None => {
            // Answered with the batch: what it read may come from changes that are not on disk yet.
            batch.ran.push((first, ran.answer));
            roll_back(connection).await?;
        }
    }
    Ok(())
}

/// One trip to the database for both; the last one goes with the commit.
const NEXT_SAVEPOINT: &str = "RELEASE SAVEPOINT change; SAVEPOINT change";
/// Back to the savepoint, which stays for the next change.
async fn roll_back(connection: &mut AnyConnection) -> Result<(), StoreError> {
    raw_sql("ROLLBACK TO SAVEPOINT change").execute(connection).await?;
    Ok(())
}
