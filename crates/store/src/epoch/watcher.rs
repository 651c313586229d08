//! Seeing what other processes changed, and writing down that it was seen.
//!
//! Every node looks at the epoch twenty times a second, whatever clock the rest uses. What it acts on it writes down
//! durably: that is its acknowledgement of a revocation, and at the same time its lease. Who can not write it answers
//! nobody, and whoever waits for it knows when that is.
//!
//! The log that is looked at has to be the one this process knows, in the file that it opened.

use std::{path::PathBuf, sync::Arc, time::Duration};

use model::{Clock, Span, Timestamp};
use sqlx::{AnyConnection, Connection};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{
    epoch::{
        lease::{self, NodeName},
        look::Look,
        uptime::Uptime,
        view::{Halt, View},
    },
    error::StoreError,
    files::{
        data_dir::DENY_ALL_FILE,
        open_file::{OpenFile, OpenLog},
        wal_size::WalSize,
    },
    log::{continuity::continues, head::Head, signer::LogName, witness_file},
    sql::{
        connect::{Connect, Purpose},
        readers::Readers,
        schema,
    },
};

/// How far the clock of a node may be from that of the database server.
const APART: i64 = 2_000_000;
/// How far the clock of a node may be behind the last change: so long it waits until time goes on, and elevates and issues.
pub const BEHIND: Span = Span::from_minutes(2);

/// The task's state.
pub(crate) struct Watcher {
    pub(crate) connect: Connect,
    pub(crate) connection: Option<AnyConnection>,
    pub(crate) view: Arc<View>,
    pub(crate) readers: Arc<Readers>,
    pub(crate) node: Option<NodeName>,
    pub(crate) silence: Duration,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) log: LogName,
    pub(crate) data_dir: PathBuf,
    /// The database file that is open; a server has none.
    pub(crate) file: Option<OpenFile>,
    /// Its write-ahead log, since the connection of this task was made.
    pub(crate) wal: OpenLog,
    /// And how large that is.
    pub(crate) wal_size: WalSize,
}

/// What this node last said about itself, and when.
type Said = Option<(String, Uptime)>;

impl Watcher {
    /// Looks until `stop` is gone.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<()>) {
        let mut ticks = interval(lease::LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut said: Said = None;
        let view = self.view.clone();
        loop {
            tokio::select! {
                _ = stop.changed() => break,
                _ = ticks.tick() => {}
                () = view.news.notified() => {}
            }
            let looked = match timeout(self.silence, self.look(&said)).await {
                Ok(looked) => looked,
                Err(_) => Err(StoreError::Silent),
            };
            match looked {
                Ok(now_said) => {
                    self.view.ended("store_silent", "store_back");
                    said = now_said;
                }
                Err(error @ StoreError::LogForked(_)) => {
                    tracing::error!(event = "log_forked", known = self.view.head().0, %error);
                    self.view.close();
                    break;
                }
                Err(error) => {
                    self.view.failed("store_silent", &error);
                    self.connection = None;
                    self.readers.forget_idle();
                }
            }
        }
        if let Some(mut connection) = self.connection {
            if let Some(node) = &self.node {
                let _ = lease::give_up(&mut connection, node).await;
            }
            let _ = connection.close().await;
        }
    }

    /// Looks once. Returns what this node last said about itself, and when.
    async fn look(&mut self, said: &Said) -> Result<Said, StoreError> {
        let began = Uptime::now();
        let shown = self.view.shown();
        if self.file.as_ref().is_some_and(|file| !file.is_in_its_place()) {
            return Err(StoreError::forked("the file of the database was deleted or replaced under this process"));
        }
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                self.wal = OpenLog::default();
                self.connect.connect(Purpose::Watch).await?
            }
        };
        // Read before the look: the writer may move on at any time.
        let ((known, _), mark) = (self.view.head(), self.view.mark());
        let look = Look::at(&mut connection, self.connect.dialect).await?;
        if self.file.as_ref().is_some_and(|file| !self.wal.is_in_its_place(file)) {
            return Err(StoreError::forked(
                "the write-ahead log of the database was deleted or replaced under this process",
            ));
        }
        self.is_ours(&look, known, mark)?;
        self.view.changed(look.changed_at);
        self.view.halt(self.why_halted(&look));
        let (number, epoch) = &*shown;
        if look.epoch != *epoch && self.view.epoch() == *number {
            self.follow(&mut connection).await?;
            let seen = self.view.read(&mut connection).await?;
            // A lower number would be another history, and that does not continue the log.
            if seen.epoch.value <= epoch.value && seen.epoch != *epoch && self.view.epoch() == *number {
                return Err(StoreError::forked("its revocations are not those that were seen before"));
            }
            if !self.view.publish_after(*number, seen) {
                // The writer was faster: the next look sees what is newest.
                self.connection = Some(connection);
                self.view.news.notify_one();
                return Ok(said.clone());
            }
        }
        let said = self.sign(&mut connection, look.size, began, said).await?;
        self.connection = Some(connection);
        Ok(said)
    }

    /// Writes the lease: often enough not to be taken for dead, and at once when there is news.
    async fn sign(
        &mut self,
        connection: &mut AnyConnection,
        size: u64,
        began: Uptime,
        said: &Said,
    ) -> Result<Said, StoreError> {
        let Some(node) = &self.node else {
            self.view.heard(began);
            return Ok(None);
        };
        let shown = self.view.shown();
        let stamp = &shown.1.stamp;
        if let Some((said_stamp, when)) = said
            && said_stamp == stamp
            && when.elapsed() * 4 < self.silence
        {
            return Ok(said.clone());
        }
        if let Some(file) = &self.file {
            self.wal_size.look(file.path());
        }
        let _lock = self.connect.writer_lock().await;
        lease::renew(connection, node, stamp, size).await?;
        self.view.heard(began);
        Ok(Some((stamp.clone(), began)))
    }

    /// Is it the database, and the log, that this process knows, as far as one look can say?
    fn is_ours(&self, look: &Look, known: u64, mark: Timestamp) -> Result<(), StoreError> {
        if look.schema != schema::known() {
            let known = schema::known();
            return Err(StoreError::forked(format!(
                "the database has schema {} now, and this version knows {known}",
                look.schema
            )));
        }
        if look.size < known {
            return Err(StoreError::forked(format!("it has {} records, and had {known} before", look.size)));
        }
        // It hung while somebody saw no node, and what it remembers is of a time that never was.
        if self.node.is_some() && look.changed_at < mark {
            return Err(StoreError::forked("`clock accept` put its time back while this process ran: start it again"));
        }
        Ok(())
    }

    /// Checks that the head of the log is signed and continues the last one, and keeps it in memory and on disk: what
    /// is acknowledged after this is not forgotten by this machine.
    async fn follow(&mut self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        loop {
            let before = self.view.head();
            let head = Head::read(connection).await?;
            head.check(&self.log.origin, &self.log.public)?;
            let found = (head.size, head.frontier.root());
            continues(connection, before, found).await?;
            if self.view.move_head(before, found) {
                if self.node.is_some() {
                    witness_file::keep(self.data_dir.clone(), head.note, head.size, self.log.clone()).await;
                }
                return Ok(());
            }
        }
    }

    fn why_halted(&self, look: &Look) -> Halt {
        if self.data_dir.join(DENY_ALL_FILE).exists() {
            return Halt::Denied;
        }
        if !self.clock.is_wall() {
            return Halt::No;
        }
        let here = self.clock.now().micros();
        let apart = look.server_clock.is_some_and(|there| (here - there.micros()).abs() > APART);
        match look.changed_at > Timestamp::from_micros(here).after(BEHIND) {
            _ if apart => Halt::Clock,
            true => Halt::Behind,
            false => Halt::No,
        }
    }
}
