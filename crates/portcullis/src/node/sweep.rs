//! Elevations end by themselves: the check at each call sees to that. What is done here is to
//! say so in the audit soon after, so that an end has a record like a beginning has.

use governance::orders;
use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use store::Store;

use super::generation::Node;

/// Every second, records the end of elevations that ran out and of requests nobody decided.
pub async fn ended_elevations(store: Store) {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = orders::write_elapsed(&store).await {
            store.failed("sweep_failed", &error);
        }
        if let Err(error) = orders::write_ends(&store).await {
            store.failed("sweep_failed", &error);
        }
    }
}

/// Asks every server from time to time what it offers, so that a change is seen although nobody lists.
pub async fn listed_servers(current: Arc<ArcSwap<Node>>) {
    loop {
        let node = current.load_full();
        node.list_servers().await;
        tokio::time::sleep(node.config.limits.list_servers_every.duration()).await;
    }
}

/// Every second, records the refusals that were only counted and whose minute is over.
pub async fn counted_refusals(current: Arc<ArcSwap<Node>>) {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        current.load_full().write_counted(false).await;
    }
}
