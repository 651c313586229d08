//! Each intent has one end, whatever became of the node that wrote it.

use std::time::Duration;

use model::{Actor, event::examples};
use serde_json::Value;
use store::{Commit, Store, StoreError};
use tokio::runtime::Runtime;

use crate::place::{Place, event};

on_both!(
    the_end_of_a_call_is_written_once,
    the_calls_of_a_node_that_was_killed_are_ended_once_by_whoever_is_there,
    the_calls_of_a_node_that_was_killed_are_ended_at_its_next_start,
    a_call_of_a_living_node_is_ended_by_nobody_else,
    a_node_that_hung_finds_the_ends_of_its_calls_written_and_makes_new_ones,
    a_node_that_stops_ends_what_is_still_open,
    a_list_that_names_what_is_no_call_ends_nothing,
);

async fn begins(store: &Store, id: &str) {
    store.record(examples::call_decided(id).by(Actor::System)).await.unwrap();
}

async fn ends(store: &Store, id: &str) -> Result<u64, StoreError> {
    store.record(examples::call_ended(id).by(Actor::System)).await
}

/// How the calls ended: `id done`, in the order of the log.
async fn ended(store: &Store) -> Vec<String> {
    let records = store.records(0, 10_000).await.unwrap();
    let records = records.iter().map(|(_, record)| serde_json::from_slice::<Value>(record).unwrap());
    let ends = records.filter(|record| record["event"] == "call_ended");
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    ends.map(|end| format!("{} {}", word(&end["request"]), word(&end["done"]))).collect()
}

/// Waits, without an opinion on how long it takes.
async fn until_ended(store: &Store, count: usize) {
    let reached = async {
        while ended(store).await.len() < count {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), reached).await.expect("it never came");
}

/// A node in a runtime of its own, with open calls. Without its runtime it is dead at once, and says nothing.
fn killed(place: &Place, name: &str, calls: &[&str]) {
    let (options, calls) = (place.options(Some(name)), calls.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
    std::thread::spawn(move || {
        let runtime = Runtime::new().unwrap();
        let store = runtime.block_on(async {
            let store = Store::open(options).await.unwrap();
            for id in &calls {
                begins(&store, id).await;
            }
            store
        });
        runtime.shutdown_background();
        drop(store);
    })
    .join()
    .unwrap();
}

async fn the_end_of_a_call_is_written_once(place: &Place) {
    let node = place.open_as(Some("one")).await.unwrap();
    begins(&node, "a").await;
    ends(&node, "a").await.unwrap();
    let size = node.log_size().await.unwrap();
    assert!(matches!(ends(&node, "a").await, Err(StoreError::CallOver)));
    assert!(matches!(ends(&node, "never").await, Err(StoreError::CallOver)));
    assert_eq!(node.log_size().await.unwrap(), size);
    // An intent that is part of a change counts like one of its own; one that is rolled back is none.
    for (id, is_kept) in [("kept", true), ("not", false)] {
        let change = node.write::<_, StoreError, _>(move |_| {
            Box::pin(async move {
                let intent = examples::call_decided(id).by(Actor::System);
                if is_kept { Ok(Commit::with(intent, ())) } else { Err(StoreError::Busy) }
            })
        });
        assert_eq!(change.await.is_ok(), is_kept);
        assert_eq!(ends(&node, id).await.is_ok(), is_kept);
    }
    assert_eq!(ended(&node).await, ["a answered", "kept answered"]);
}

/// Field: N14
async fn the_calls_of_a_node_that_was_killed_are_ended_once_by_whoever_is_there(place: &Place) {
    let three = [place.open_as(Some("a")), place.open_as(Some("b")), place.open_as(Some("c"))];
    let three = futures_util::future::try_join_all(three).await.unwrap();
    let many: Vec<String> = (0..150).map(|number| format!("call-{number}")).collect();
    killed(place, "dead", &many.iter().map(String::as_str).collect::<Vec<_>>());
    begins(&three[0], "alive").await;
    until_ended(&three[0], many.len()).await;
    let mut found = ended(&three[1]).await;
    found.sort();
    let mut wanted: Vec<String> = many.iter().map(|id| format!("{id} unknown")).collect();
    wanted.sort();
    assert_eq!(found, wanted);
    ends(&three[0], "alive").await.unwrap();
    assert_eq!(ended(&three[2]).await.last().unwrap(), "alive answered");
}

/// Field: N14
async fn the_calls_of_a_node_that_was_killed_are_ended_at_its_next_start(place: &Place) {
    killed(place, "one", &["a", "b"]);
    let again = place.open_as(Some("one")).await.unwrap();
    until_ended(&again, 2).await;
    assert_eq!(ended(&again).await, ["a unknown", "b unknown"]);
    assert_eq!(place.count("SELECT COALESCE(LENGTH(open_calls), 0) FROM audit_head").await, 0);
}

/// Field: N14
async fn a_call_of_a_living_node_is_ended_by_nobody_else(place: &Place) {
    let (one, two) = (place.open_as(Some("one")).await.unwrap(), place.open_as(Some("two")).await.unwrap());
    begins(&one, "long").await;
    // Longer than it takes to give up on a node that is gone: somebody who is, is given up on meanwhile.
    killed(place, "dead", &["lost"]);
    until_ended(&two, 1).await;
    assert_eq!(ended(&two).await, ["lost unknown"]);
    ends(&one, "long").await.unwrap();
    assert_eq!(ended(&two).await, ["lost unknown", "long answered"]);
}

/// Field: N14
async fn a_node_that_hung_finds_the_ends_of_its_calls_written_and_makes_new_ones(place: &Place) {
    let (hangs, other) = (place.open_as(Some("hangs")).await.unwrap(), place.open_as(Some("other")).await.unwrap());
    begins(&hangs, "a").await;
    // Whoever waited for it and gave up takes its row away; it puts it back when it wakes up.
    let asleep = async {
        while ended(&other).await.is_empty() {
            place.tamper("DELETE FROM node WHERE name LIKE 'hangs%'").await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asleep).await.expect("nobody ended its calls");
    assert!(matches!(ends(&hangs, "a").await, Err(StoreError::CallOver)));
    begins(&hangs, "b").await;
    ends(&hangs, "b").await.unwrap();
    assert_eq!(ended(&other).await, ["a unknown", "b answered"]);
}

/// Field: N14
async fn a_node_that_stops_ends_what_is_still_open(place: &Place) {
    let node = place.open_as(Some("one")).await.unwrap();
    let many: Vec<String> = (0..100).map(|number| format!("call-{number}")).collect();
    for id in &many {
        begins(&node, id).await;
    }
    ends(&node, "call-7").await.unwrap();
    node.close().await;
    let visitor = place.open().await;
    let ended = ended(&visitor).await;
    assert_eq!((ended.len(), &*ended[0]), (many.len(), "call-7 answered"));
    assert!(ended[1..].iter().all(|end| end.ends_with(" unknown")));
}

/// The list is not signed, so it may say anything.
async fn a_list_that_names_what_is_no_call_ends_nothing(place: &Place) {
    place.open().await.close().await;
    // A node `x` with the records 1 and 99, then half of one.
    for list in [&[1, b'x', 2, 1, 98][..], &[1, b'x'], &[0xff; 20]] {
        place.tamper(&format!("UPDATE audit_head SET open_calls = {}", place.literal(list))).await;
        let node = place.open_as(Some("one")).await.unwrap();
        begins(&node, "a").await;
        ends(&node, "a").await.unwrap();
        node.record(event()).await.unwrap();
        node.close().await;
    }
    let visitor = place.open().await;
    assert_eq!(ended(&visitor).await, ["a answered", "a answered", "a answered"]);
}
