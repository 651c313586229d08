//! A stream lives no longer than the authority it was opened with.
//!
//! Whatever takes authority away raises the revocation epoch, which wakes every stream; each asks again
//! whether its principal stands, and ends if not. Time is looked at every second, and before each event.
//!
//! A long stream is otherwise the one call that outlives its revocation: it is closed within a second.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use model::ToolName;

use crate::live::{Live, Verifier};

/// Watches over one stream.
pub struct Watch {
    verifier: Arc<Verifier>,
    live: Arc<Live>,
    tool: Option<ToolName>,
    /// The newest epoch under which the principal was found alive.
    checked: Arc<AtomicU64>,
    asking: Option<Pin<Box<dyn Future<Output = &'static str> + Send>>>,
}

/// How often time and the store's silence are looked at while nothing happens.
const TICK: Duration = Duration::from_secs(1);

impl Watch {
    /// Over a stream that `live` opened, by calling `tool` if it did.
    pub fn over(verifier: Arc<Verifier>, live: Arc<Live>, tool: Option<ToolName>) -> Self {
        let checked = Arc::new(AtomicU64::new(live.epoch()));
        Self { verifier, live, tool, checked, asking: None }
    }

    /// The time by the store's clock.
    pub fn now(&self) -> model::Timestamp {
        self.verifier.store().now()
    }

    /// May the next bytes go out? Cheap while nothing changed; `Err` is the end, with the reason.
    pub fn poll_before_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        let store = self.verifier.store();
        if store.freshness().is_err() {
            return Poll::Ready(Err("store_silent"));
        }
        if self.live.in_time(store.now()).is_err() {
            return Poll::Ready(Err("expired"));
        }
        let is_current = |watch: &Self| watch.checked.load(Ordering::Acquire) == watch.verifier.store().epoch();
        if is_current(self) {
            return Poll::Ready(Ok(()));
        }
        match self.poll_ended(cx) {
            Poll::Ready(reason) => Poll::Ready(Err(reason)),
            Poll::Pending if is_current(self) => Poll::Ready(Ok(())),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Becomes ready when the stream must end; wakes the task until then.
    pub fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<&'static str> {
        let asking = self.asking.get_or_insert_with(|| {
            let (verifier, live, tool) = (self.verifier.clone(), self.live.clone(), self.tool.clone());
            Box::pin(end_of_authority(verifier, live, tool, self.checked.clone()))
        });
        asking.as_mut().poll(cx)
    }
}

async fn end_of_authority(
    verifier: Arc<Verifier>,
    mut live: Arc<Live>,
    tool: Option<ToolName>,
    checked: Arc<AtomicU64>,
) -> &'static str {
    let mut epochs = verifier.store().epochs();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        match verifier.still_live(&live).await {
            Ok(still) => live = still,
            Err(_) => return "authority_ended",
        }
        let blocked = |tool: &ToolName| live.tool_is_blocked(&verifier.store().blocks(), tool);
        if tool.as_ref().is_some_and(blocked) {
            return "authority_ended";
        }
        checked.store(live.epoch(), Ordering::Release);
        tokio::select! {
            changed = epochs.changed() => if changed.is_err() { return "store_closed" },
            _ = tick.tick() => {}
        }
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}
