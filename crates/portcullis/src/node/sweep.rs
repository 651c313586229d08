//! Elevations end by themselves: the check at each call sees to that. What is done here is to
//! say so in the audit soon after, so that an end has a record like a beginning has.

use governance::orders;
use std::{collections::BTreeSet, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use store::Store;
use tokio::task::JoinSet;

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

/// Every second, sends what waits for receivers outside. One that is slow or away holds up nobody but itself.
pub async fn messages(current: Arc<ArcSwap<Node>>) {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut under_way = JoinSet::new();
    let mut busy = BTreeSet::new();
    loop {
        tokio::select! {
            Some(done) = under_way.join_next() => {
                if let Ok(receiver) = done {
                    busy.remove(&receiver);
                }
            }
            _ = tick.tick() => {
                let node = current.load_full();
                match node.notifier.due().await {
                    Ok(due) => for receiver in due {
                        if busy.insert(receiver.clone()) {
                            under_way.spawn(deliver(node.clone(), receiver));
                        }
                    },
                    Err(error) => node.store.failed("messages_not_read", &error),
                }
            }
        }
    }
}

async fn deliver(node: Arc<Node>, receiver: String) -> String {
    if let Err(error) = node.notifier.deliver(&receiver).await {
        node.store.failed("messages_not_sent", &error);
    }
    receiver
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
