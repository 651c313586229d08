//! Putting the time of a store right is for a store that nobody serves from.

use std::time::Duration;

use model::{Actor, Span, Timestamp, event::examples};
use store::{Commit, NoNodeRuns, Store, StoreError, StoreSilent, privilege::PrivilegeTx};

use crate::place::{Place, event};

on_both!(
    a_node_that_runs_is_seen,
    a_node_that_started_between_the_look_and_the_change_is_seen_and_nothing_is_changed,
    a_node_that_ended_between_the_look_and_the_change_is_none,
    a_node_that_hung_during_the_look_ends_when_it_goes_on,
);

/// A store that a clock an hour ahead has written to, and the time that is right.
async fn ahead(place: &Place) -> (Store, Timestamp) {
    let store = place.open().await;
    let right = store.now();
    place.clock.advance(Span::from_minutes(60));
    let change = store.write::<_, StoreError, _>(|_| Box::pin(async { Ok(Commit::with(event(), ())) }));
    change.await.unwrap();
    store.close().await;
    place.clock.set(right);
    (place.open().await, right)
}

async fn put_right(store: &Store, right: Timestamp, seen: &NoNodeRuns) -> Result<(), StoreError> {
    let seen = seen.clone();
    store
        .write(move |tx| {
            Box::pin(async move {
                PrivilegeTx::of(tx).put_clock_right(right, &seen).await?;
                Ok(Commit::with(examples::clock_accepted().by(Actor::Operator), ()))
            })
        })
        .await
}

fn is_refused_for(refused: Result<(), StoreError>, node: &str) {
    match refused {
        Err(StoreError::NodesRun(names)) => assert!(names.starts_with(node), "{names}"),
        other => panic!("{other:?}"),
    }
}

/// Field: N8
async fn a_node_that_runs_is_seen(place: &Place) {
    let (store, _) = ahead(place).await;
    let _node = place.open_as(Some("one")).await.unwrap();
    is_refused_for(store.no_node_runs().await.map(drop), "one-");
}

/// It has the later time in memory, and would bring it back with its next change.
///
/// Field: N8
async fn a_node_that_started_between_the_look_and_the_change_is_seen_and_nothing_is_changed(place: &Place) {
    let (store, right) = ahead(place).await;
    let seen = store.no_node_runs().await.unwrap();
    let node = place.open_as(Some("late")).await.unwrap();
    let size = store.log_size().await.unwrap();
    is_refused_for(put_right(&store, right, &seen).await, "late-");
    assert_eq!(store.log_size().await.unwrap(), size);
    assert_eq!(place.count("SELECT changed_at FROM audit_head").await, right.after(Span::from_minutes(60)).micros());
    // The row of one that was killed stays behind, and is none that anybody looked at.
    node.close().await;
    place.tamper("INSERT INTO node (name, boot, stamp, log_size, seen_at) VALUES ('killed-1', '1', 'x', 1, 1)").await;
    is_refused_for(put_right(&store, right, &seen).await, "killed-");
    let seen = store.no_node_runs().await.unwrap();
    put_right(&store, right, &seen).await.unwrap();
}

async fn a_node_that_ended_between_the_look_and_the_change_is_none(place: &Place) {
    let (store, right) = ahead(place).await;
    place.tamper("INSERT INTO node (name, boot, stamp, log_size, seen_at) VALUES ('killed-1', '1', 'x', 1, 1)").await;
    let seen = store.no_node_runs().await.unwrap();
    place.tamper("DELETE FROM node").await;
    put_right(&store, right, &seen).await.unwrap();
}

/// Nobody can see a process that hangs; it sees that its time was put back.
///
/// Field: N8
async fn a_node_that_hung_during_the_look_ends_when_it_goes_on(place: &Place) {
    let (store, right) = ahead(place).await;
    let hung = place.open_as(Some("hung")).await.unwrap();
    let gone_on = Store::open(place.options(None)).await.unwrap();
    // What `put_clock_right` leaves, had its look missed the node.
    place.tamper(&format!("UPDATE audit_head SET changed_at = {}", right.micros())).await;
    let closed = async {
        while hung.freshness() != Err(StoreSilent::Closed) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), closed).await.expect("it went on");
    assert!(gone_on.freshness().is_ok() && store.freshness().is_ok(), "whoever only visits remembers nothing");
}
