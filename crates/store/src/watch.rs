//! Seeing what other processes changed, and telling them that it was seen.
//!
//! Every node reads the epoch twenty times a second, whatever clock the rest uses, and writes down
//! which one it acts on. That is how a revocation on the command line can say "now it holds everywhere".

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use model::{Clock, SystemClock};
use sqlx::{AnyConnection, Connection, query};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{
    StoreError,
    connect::{Connect, Purpose},
    readers::Readers,
    view::{self, View},
};

/// Between two looks at the epoch.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The task's state.
pub(crate) struct Watcher {
    pub(crate) connect: Connect,
    pub(crate) connection: Option<AnyConnection>,
    pub(crate) view: Arc<View>,
    pub(crate) readers: Arc<Readers>,
    pub(crate) node: Option<String>,
    pub(crate) silence: Duration,
}

impl Watcher {
    /// Looks until `stop` is gone.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<()>) {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut said: Option<(u64, Instant)> = None;
        loop {
            tokio::select! {
                _ = stop.changed() => break,
                _ = ticks.tick() => {}
            }
            let looked = match timeout(self.silence, self.look(said)).await {
                Ok(looked) => looked,
                Err(_) => Err(StoreError::Silent),
            };
            match looked {
                Ok(now_said) => said = now_said,
                Err(error) => {
                    tracing::warn!(event = "store_silent", %error);
                    self.connection = None;
                    self.readers.forget_idle();
                }
            }
        }
        if let Some(mut connection) = self.connection {
            if let Some(node) = &self.node {
                let _ = query("DELETE FROM node WHERE name = $1").bind(node).execute(&mut connection).await;
            }
            let _ = connection.close().await;
        }
    }

    /// Looks once. Returns what this node last said about itself, and when.
    async fn look(&mut self, said: Option<(u64, Instant)>) -> Result<Option<(u64, Instant)>, StoreError> {
        let began = Instant::now();
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect.connect(Purpose::Watch).await?,
        };
        if view::epoch(&mut connection).await? > self.view.epoch() {
            self.view.publish(self.view.read(&mut connection).await?);
        }
        self.view.heard(began);
        // Often enough not to be taken for dead, and at once when there is news.
        let due = said.is_none_or(|(epoch, when)| epoch != self.view.epoch() || when.elapsed() * 4 >= self.silence);
        let said = match &self.node {
            Some(node) if due => {
                let epoch = self.view.epoch();
                let _turn = self.connect.turn().await;
                sign_of_life(&mut connection, node, epoch).await?;
                Some((epoch, began))
            }
            _ => said,
        };
        self.connection = Some(connection);
        Ok(said)
    }
}

/// Writes down which epoch `node` acts on. Nobody compares the time with a clock, only with itself.
pub(crate) async fn sign_of_life(connection: &mut AnyConnection, node: &str, epoch: u64) -> Result<(), StoreError> {
    query(
        "INSERT INTO node (name, epoch, seen_at) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch, seen_at = excluded.seen_at",
    )
    .bind(node)
    .bind(epoch as i64)
    .bind(SystemClock.now().micros())
    .execute(connection)
    .await?;
    Ok(())
}
