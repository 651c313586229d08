//! A call, and the stream that answers it, live no longer than somebody lets them.
//!
//! Whatever takes authority away raises the revocation epoch, which wakes all that is under way; each asks again
//! whether what it rests on stands, and ends if not. How long it may go on by itself is looked at every second, and
//! before each event.
//!
//! A long stream is otherwise the one call that outlives its revocation: it is closed within a second.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::{
    ground::{Ground, Lost},
    live::Verifier,
    refusal::Refusal,
};

/// Watches over one stream.
pub struct Watch {
    verifier: Arc<Verifier>,
    ground: Ground,
    /// The newest epoch under which everything was found to stand.
    checked: Arc<AtomicU64>,
    asking: Option<Pin<Box<dyn Future<Output = Lost> + Send>>>,
}

/// How often time and the store's silence are looked at while nothing happens.
const TICK: Duration = Duration::from_secs(1);

impl Watch {
    /// Over a stream that rests on `ground`.
    pub fn over(verifier: Arc<Verifier>, ground: Ground) -> Self {
        let checked = Arc::new(AtomicU64::new(ground.epoch()));
        Self { verifier, ground, checked, asking: None }
    }

    /// Who is asked.
    pub fn verifier(&self) -> &Arc<Verifier> {
        &self.verifier
    }

    /// The call was answered: what follows has a moment.
    pub fn answered(&mut self) {
        self.ground.lasting = self.ground.lasting.answered(self.verifier.store().now());
        // The one that asks knows the time it began with.
        self.asking = None;
    }

    /// May the next bytes go out? Cheap while nothing changed; `Err` is the end, with the reason.
    pub fn poll_before_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        let store = self.verifier.store();
        if store.standing_freshness().is_err() {
            return Poll::Ready(Err(Lost::Principal(Refusal::Unavailable)));
        }
        if let Err(lost) = self.ground.in_time(store.now()) {
            return Poll::Ready(Err(lost));
        }
        let is_current = |watch: &Self| watch.checked.load(Ordering::Acquire) == watch.verifier.store().epoch();
        if is_current(self) {
            return Poll::Ready(Ok(()));
        }
        match self.poll_ended(cx) {
            Poll::Ready(lost) => Poll::Ready(Err(lost)),
            Poll::Pending if is_current(self) => Poll::Ready(Ok(())),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Becomes ready when the stream must end; wakes the task until then.
    pub fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<Lost> {
        let asking = self.asking.get_or_insert_with(|| {
            let (verifier, ground, checked) = (self.verifier.clone(), self.ground.clone(), self.checked.clone());
            Box::pin(async move { end(&verifier, ground, &checked).await })
        });
        let lost = ready!(asking.as_mut().poll(cx));
        self.asking = None;
        Poll::Ready(lost)
    }
}

/// Comes back when `ground` does not hold any more.
pub async fn lost(verifier: &Verifier, ground: Ground) -> Lost {
    end(verifier, ground, &AtomicU64::new(0)).await
}

async fn end(verifier: &Verifier, mut ground: Ground, checked: &AtomicU64) -> Lost {
    let mut epochs = verifier.store().epochs();
    let mut tick = interval_at(Instant::now() + TICK, TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        if let Err(lost) = ground.stands(verifier).await {
            return lost;
        }
        checked.store(ground.epoch(), Ordering::Release);
        tokio::select! {
            changed = epochs.changed() => if changed.is_err() { return Lost::Principal(Refusal::Unavailable) },
            _ = tick.tick() => {}
        }
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}
