//! Writing the ends of calls whose node is gone.
//!
//! A node that was killed has calls on the list of the open ones, and nobody there to write their ends. Any other node
//! does it, and its own next start is another one, once its lease is over: its row was not written for longer than
//! `store_silence`, by the watch of whoever looks, or it is not there any more.
//!
//! Spec: docs/decisions/0022-one-end-for-each-call.md.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{AnyConnection, query};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{MissedTickBehavior, interval},
};

use crate::{
    engine::job::Job,
    epoch::{
        gone_node::GoneNode,
        lease::{LOOK_EVERY, last_sign},
    },
    error::StoreError,
    log::open_call_list,
    sql::{columns::Columns, readers::Readers},
};

/// The task's state.
pub(crate) struct LostCalls {
    pub(crate) readers: Arc<Readers>,
    /// Not one that keeps the writer at work when nobody else does.
    pub(crate) jobs: mpsc::WeakSender<Job>,
    /// The name of this node.
    pub(crate) node: String,
    pub(crate) silence: Duration,
}

/// The last sign of life of each node, and since when it is the last one.
type Signs = HashMap<String, (Option<i64>, Instant)>;

impl LostCalls {
    /// Looks until `stop` is gone.
    pub(crate) async fn run(self, mut stop: watch::Receiver<()>) {
        let mut ticks = interval(self.silence / 2);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut signs = Signs::new();
        loop {
            tokio::select! {
                _ = stop.changed() => return,
                _ = ticks.tick() => {}
            }
            let Ok(gone) = self.gone(&mut signs).await else { continue };
            for gone in gone {
                let Some(jobs) = self.jobs.upgrade() else { return };
                let (done, written) = oneshot::channel();
                if jobs.send(Job::EndCalls(gone, done)).await.is_err() {
                    return;
                }
                // Nobody else waits for it, and what was not written is on the list still.
                let _ = written.await;
            }
        }
    }

    async fn gone(&self, signs: &mut Signs) -> Result<Vec<GoneNode>, StoreError> {
        let mut reader = self.readers.lend().await?;
        let found = self.look(reader.connection(), signs).await;
        reader.done(found)
    }

    async fn look(&self, connection: &mut AnyConnection, signs: &mut Signs) -> Result<Vec<GoneNode>, StoreError> {
        // The list first: a node has its row before it makes its first call.
        let row = query("SELECT open_calls FROM audit_head WHERE one = 1").fetch_one(&mut *connection).await?;
        let listed = Columns::of("head of the log", &row).optional_bytes()?.unwrap_or_default();
        let mut names = open_call_list::nodes(&listed)?;
        names.retain(|name| *name != self.node);
        signs.retain(|name, _| names.contains(name));
        let mut gone = Vec::new();
        for name in names {
            let sign = last_sign(connection, &name).await?;
            let seen = signs.entry(name.clone()).or_insert((sign, Instant::now()));
            if seen.0 != sign {
                *seen = (sign, Instant::now());
            }
            if sign.is_none() || seen.1.elapsed() > self.silence + 2 * LOOK_EVERY {
                gone.push(GoneNode { name, sign });
            }
        }
        Ok(gone)
    }
}

#[cfg(test)]
mod tests {
    use model::{
        Actor, ManualClock, Span, Timestamp,
        config::StoreUrl,
        event::examples::{any, call_decided},
    };

    use super::*;
    use crate::{
        engine::{
            commit::Commit,
            options::{Missing, OpenOptions},
            store::Store,
        },
        log::open_calls::{Moves, OpenCalls},
    };

    /// It was taken for dead, and writes its lease before whoever thought so has the head of the log.
    ///
    /// Field: N14
    #[tokio::test]
    async fn a_node_that_wakes_up_before_its_calls_are_taken_keeps_them() {
        let directory = tempfile::tempdir().unwrap();
        let options = OpenOptions {
            url: StoreUrl::sqlite_in(directory.path()),
            data_dir: directory.path().to_owned(),
            origin: "test/audit".into(),
            clock: Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000))),
            node: None,
            store_silence: Span::from_seconds(60),
            missing: Missing::IsMade,
        };
        let store = Store::open(options).await.unwrap();
        let intent = call_decided("a").by(Actor::System);
        let index = store.record(intent.clone()).await.unwrap();
        let mut its_own = OpenCalls::of(Some("gone".into()));
        its_own.note(&intent, index, &mut Moves::default());
        let written = store.write::<_, StoreError, _>(|tx| {
            Box::pin(async move {
                tx.run(query("INSERT INTO node VALUES ('gone', 'boot', 'stamp', 3, 7)")).await?;
                Ok(Commit::with(any(), ()))
            })
        });
        written.await.unwrap();
        let mut reader = store.lend().await.unwrap();
        let connection = reader.connection();
        for (seen, ends) in [(None, 0), (Some(6), 0), (Some(7), 1)] {
            let mut calls = OpenCalls::of(Some("another".into()));
            calls.follow(&its_own.encode());
            let gone = GoneNode { name: "gone".into(), sign: seen };
            assert_eq!(gone.ends(&mut *connection, &mut calls).await.unwrap().len(), ends, "{seen:?}");
        }
    }
}
