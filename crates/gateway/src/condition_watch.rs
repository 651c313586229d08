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
    conditions::{ConditionLost, Conditions},
    principal::{PrincipalError, Verifier},
};

/// Watches over one stream.
pub struct ConditionWatch {
    verifier: Arc<Verifier>,
    conditions: Conditions,
    /// The newest epoch under which everything was found to stand.
    checked: Arc<AtomicU64>,
    asking: Option<Pin<Box<dyn Future<Output = ConditionLost> + Send>>>,
}

/// How often time and the store's silence are looked at while nothing happens.
const TICK: Duration = Duration::from_secs(1);

impl ConditionWatch {
    /// Over a stream that rests on `ground`.
    pub fn over(verifier: Arc<Verifier>, conditions: Conditions) -> Self {
        let checked = Arc::new(AtomicU64::new(conditions.epoch()));
        Self { verifier, conditions, checked, asking: None }
    }

    /// Who is asked.
    pub fn verifier(&self) -> &Arc<Verifier> {
        &self.verifier
    }

    /// The call was answered: what follows has a moment.
    pub fn answered(&mut self) {
        self.conditions.lifetime = self.conditions.lifetime.answered(self.verifier.store().now());
        // The one that asks knows the time it began with.
        self.asking = None;
    }

    /// May the next bytes go out? Cheap while nothing changed; `Err` is the end, with the reason.
    pub fn poll_before_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConditionLost>> {
        let store = self.verifier.store();
        if store.standing_freshness().is_err() {
            return Poll::Ready(Err(ConditionLost::Principal(PrincipalError::StoreSilent)));
        }
        if let Err(lost) = self.conditions.in_time(store.now()) {
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
    pub fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<ConditionLost> {
        let asking = self.asking.get_or_insert_with(|| {
            let (verifier, conditions, checked) =
                (self.verifier.clone(), self.conditions.clone(), self.checked.clone());
            Box::pin(async move { end(&verifier, conditions, &checked).await })
        });
        let lost = ready!(asking.as_mut().poll(cx));
        self.asking = None;
        Poll::Ready(lost)
    }
}

/// Comes back when `ground` does not hold any more.
pub async fn lost(verifier: &Verifier, conditions: Conditions) -> ConditionLost {
    end(verifier, conditions, &AtomicU64::new(0)).await
}

async fn end(verifier: &Verifier, mut conditions: Conditions, checked: &AtomicU64) -> ConditionLost {
    let mut epochs = verifier.store().epochs();
    let mut tick = interval_at(Instant::now() + TICK, TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        if let Err(lost) = conditions.stands(verifier).await {
            return lost;
        }
        checked.store(conditions.epoch(), Ordering::Release);
        tokio::select! {
            changed = epochs.changed() => if changed.is_err() { return ConditionLost::Principal(PrincipalError::StoreSilent) },
            _ = tick.tick() => {}
        }
    }
}

impl std::fmt::Debug for ConditionWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConditionWatch").finish_non_exhaustive()
    }
}
