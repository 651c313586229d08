//! Elevations end by themselves: the check at each call sees to that. What is done here is to
//! say so in the audit soon after, so that an end has a record like a beginning has.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use model::{Actor, ElevationState, Event, EventName, Outages};
use store::{Commit, Store, StoreError};

use super::Node;

/// Every second, records the end of elevations that ran out and of requests nobody decided.
pub async fn ended_elevations(store: Store) {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let outages = Outages::default();
    loop {
        let now = tick.tick().await.into_std();
        said(&outages, now, "ends of elevations are recorded late", sweep(&store).await);
        let ends = governance::write_ends(&store).await;
        said(&outages, now, "what a revocation ended is written down late", ends.map(drop));
    }
}

/// Every second fails while the store is away.
fn said(outages: &Outages, now: Instant, what: &'static str, done: Result<(), StoreError>) {
    match done {
        Ok(()) => drop(outages.ends(what, now)),
        Err(error) => {
            if let Some(count) = outages.fails(what, now) {
                tracing::warn!(event = "sweep_failed", %error, count, "{what}");
            }
        }
    }
}

/// Every second, records the refusals that were only counted and whose minute is over.
pub async fn counted_refusals(current: Arc<ArcSwap<Node>>) {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let node = current.load_full();
        node.gateway.write_counted(false).await;
        node.authserver.write_counted(false).await;
    }
}

async fn sweep(store: &Store) -> Result<(), StoreError> {
    let now = store.now();
    for elevation in store.elapsed_elevations(now).await? {
        let why = match elevation.state {
            ElevationState::Requested => "nobody decided in time",
            _ => "its time was over",
        };
        store
            .write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    if !tx.end_elevation(&elevation.id, now).await? {
                        return Ok(Commit::nothing(()));
                    }
                    let event = Event::new(EventName::ElevationEnded, Actor::System)
                        .with("elevation", &elevation.id)
                        .with("grant", &elevation.grant)
                        .with("scope", &elevation.scope)
                        .count("uses", elevation.uses.into())
                        .with("why", why);
                    Ok(Commit::with(event, ()))
                })
            })
            .await?;
    }
    Ok(())
}
