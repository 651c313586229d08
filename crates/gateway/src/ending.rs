//! How a call ended, written down whatever happens: also when the client leaves and everything is dropped.

use std::{sync::Arc, time::Duration};

use model::{Event, EventName};
use store::{Store, StoreError};

use crate::{call::Call, permit::Recorded, quota::Share};

/// A stream that only listens ended because the gateway stops.
pub const STOPPED: &str = "gateway_stopped";

/// Writes `call_ended` when it is dropped.
#[derive(Debug)]
pub struct Ending {
    store: Store,
    event: Option<Event>,
    status: Option<u16>,
    bytes: u64,
    how: &'static str,
    done: Done,
    /// The call counts as under way until its end is on disk: hanging up must not buy any number of them.
    share: Arc<Share>,
}

/// What is known of whether the call was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// Not a byte left.
    NotSent,
    /// It was sent, and there is no whole answer.
    Unknown,
    /// The upstream answered.
    Answered,
}

impl Done {
    const fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Unknown => "unknown",
            Self::Answered => "answered",
        }
    }
}

impl Ending {
    /// Of a call that is about to be sent. Unless told otherwise, it ends because the client left.
    pub fn of(recorded: &Recorded<Call>, store: &Store) -> Self {
        let (call, live) = (recorded.call(), recorded.live());
        let event = Event::new(EventName::CallEnded, model::Actor::Agent(live.agent().id.to_string()))
            .with("agent", &live.agent().id)
            .with("server", &call.server.id)
            .with("request", recorded.request());
        Self {
            store: store.clone(),
            event: Some(event),
            status: None,
            bytes: 0,
            how: "client_gone",
            done: Done::NotSent,
            share: call.share.clone(),
        }
    }

    /// The upstream answered with this status.
    pub fn status(&mut self, status: u16) {
        self.status = Some(status);
    }

    /// So many more bytes were relayed.
    pub fn relayed(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// What is known of whether it was carried out.
    pub fn done(&mut self, done: Done) {
        self.done = done;
    }

    /// Why it ends now, as a stable word.
    pub fn because(&mut self, how: &'static str) {
        self.how = how;
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let Some(event) = self.event.take() else { return };
        let mut event = event.with("outcome", self.how).with("done", self.done.as_str()).count("bytes", self.bytes);
        if let Some(status) = self.status {
            event = event.count("status", status.into());
        }
        // The process may be going down; then nobody is left to write it.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (store, share) = (self.store.clone(), self.share.clone());
        runtime.spawn(async move {
            write(&store, event).await;
            drop(share);
        });
    }
}

/// How long to wait before an end that could not be written is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Writes an end as soon as the store takes it. It is written once: who tries again finds out.
async fn write(store: &Store, event: Event) {
    loop {
        match store.record(event.clone()).await {
            Ok(_) | Err(StoreError::CallOver) => return,
            // Another process writes that nobody knows how it ended.
            Err(error @ (StoreError::Closed | StoreError::LogForked(_) | StoreError::RecordTooLong(_))) => {
                tracing::error!(event = "record_failed", %error);
                return;
            }
            Err(error) => {
                store.failed("record_failed", &error);
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}
