//! One transaction of the writer: from the head of the log under its lock to the commit, and what is shown after it.
//!
//! Next: `batch`, `crate::log::append`.

use tokio::time::Instant;

use audit::Hash;
use model::{Span, Timestamp};
use sqlx::{AnyConnection, raw_sql};

use crate::{
    engine::{
        batch::{Batch, run},
        commit_outcome::{self, BatchError},
        job::Job,
        writer::Writer,
    },
    epoch::{stamp, view::Seen},
    error::StoreError,
    log::{append::encoded, continuity::continues, head::Head, known_head::KnownHead, open_calls::PAGE},
    sql::connect::{Connect, Purpose},
    tables::expired,
};

impl Writer {
    /// An error in here drops the connection, and with it everything since BEGIN.
    pub(super) async fn attempt(&mut self, batch: &mut Batch) -> Result<(), BatchError> {
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
                commit_outcome::of_commit(&self.connect, error, first, &batch.records).await?;
            }
        }
        self.calls.committed(known.head.open_calls.clone());
        self.posted.committed(&batch.postings, known.head.changed_at);
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
    ) -> Result<Option<(KnownHead, Option<Seen>)>, StoreError> {
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
                        batch.extend(first, std::slice::from_ref(&event), records);
                        batch.ran.push((first, answer));
                    }
                    Err(error) => answer(Err(error)),
                },
                Job::Change(change, _) => run(connection, change, now, first, batch, &mut self.calls).await?,
                Job::EndCalls(gone, done) => {
                    let ends = gone.ends(connection, &mut self.calls).await?;
                    batch.extend(first, &ends, encoded(&ends, now)?);
                    batch.ran.push((first, Box::new(|_| drop(done))));
                }
                Job::Close(_) => {}
            }
        }
        if self.calls.has_orphans() {
            let ends = self.calls.end_orphans(connection, PAGE).await?;
            let first = self.known.head.size + batch.records.len() as u64;
            batch.extend(first, &ends, encoded(&ends, now)?);
        }
        if batch.records.is_empty() {
            return Ok(None);
        }
        let now = batch.put_right.unwrap_or(now);
        if batch.changes && self.swept_at.after(SWEEP_EVERY) <= now {
            expired::delete(connection, now).await?;
            self.swept_at = now;
        }
        let known = self.signer.append(connection, &self.known, &batch.records, self.calls.encode(), now).await?;
        self.posted.write(connection, &batch.postings, now).await?;
        self.outbox.put(connection, &batch.messages, now).await?;
        let seen = if batch.bumped {
            stamp::begin(connection, &known.head).await?;
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
    pub(super) async fn begin(&mut self) -> Result<(AnyConnection, (Head, Option<Timestamp>)), StoreError> {
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

/// How often expired rows are deleted, at most.
const SWEEP_EVERY: Span = Span::from_minutes(1);
/// How far the clock of a node may run ahead of that of the database server.
const APART: Span = Span::from_seconds(2);
