//! Elevations end by themselves: the check at each call sees to that. What is done here is to
//! say so in the audit soon after, so that an end has a record like a beginning has.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use model::{
    Actor, ElevationState,
    event::{ElevationEnd, ElevationEnded},
};
use store::{Commit, Store, StoreError};

use super::Node;

/// Every second, records the end of elevations that ran out and of requests nobody decided.
pub async fn ended_elevations(store: Store) {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = sweep(&store).await {
            store.failed("sweep_failed", &error);
        }
        if let Err(error) = governance::write_ends(&store).await {
            store.failed("sweep_failed", &error);
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
        let cause = match elevation.state {
            ElevationState::Requested => ElevationEnd::NotDecided,
            _ => ElevationEnd::TimeOver,
        };
        store
            .write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    if !tx.end_elevation(&elevation.id, now).await? {
                        return Ok(Commit::nothing(()));
                    }
                    Ok(Commit::with(ElevationEnded::of(&elevation, cause).by(Actor::System), ()))
                })
            })
            .await?;
    }
    Ok(())
}
