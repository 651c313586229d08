//! How a call ended, written down whatever happens: also when the client leaves and everything is dropped.

use std::{sync::Arc, time::Duration};

use model::{
    Actor, Event,
    event::{CallEnded, Done, Outcome},
};
use store::{Store, StoreError};

use crate::{call::Call, principal::Principal, quota::Share};

/// Writes `call_ended` when it is dropped.
#[derive(Debug)]
pub struct CallOutcome {
    store: Store,
    call: Option<CallEnded>,
    actor: Actor,
    /// The call counts as under way until its end is on disk: hanging up must not buy any number of them.
    share: Arc<Share>,
}

impl CallOutcome {
    /// Of a call that is about to be sent. Unless told otherwise, it ends because the client left.
    pub fn of(call: &Call, principal: &Principal, store: &Store) -> Self {
        let ended = CallEnded {
            agent: Some(principal.agent().id.clone()),
            server: Some(call.server.id.clone()),
            request: call.request.clone(),
            outcome: Outcome::ClientGone,
            done: Done::NotSent,
            bytes: Some(0),
            status: None,
            node: None,
        };
        Self { store: store.clone(), call: Some(ended), actor: principal.actor(), share: call.share.clone() }
    }

    /// The upstream answered with this status.
    pub fn status(&mut self, status: u16) {
        self.say(|call| call.status = Some(status));
    }

    /// So many more bytes were relayed.
    pub fn relayed(&mut self, bytes: usize) {
        self.say(|call| *call.bytes.get_or_insert_default() += bytes as u64);
    }

    /// What is known of whether it was carried out.
    pub fn done(&mut self, done: Done) {
        self.say(|call| call.done = done);
    }

    /// How it ends, unless something else is said later.
    pub fn ends(&mut self, how: Outcome) {
        self.say(|call| call.outcome = how);
    }

    fn say(&mut self, what: impl FnOnce(&mut CallEnded)) {
        if let Some(call) = &mut self.call {
            what(call);
        }
    }
}

impl Drop for CallOutcome {
    fn drop(&mut self) {
        let Some(call) = self.call.take() else { return };
        let event = call.by(self.actor.clone());
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
