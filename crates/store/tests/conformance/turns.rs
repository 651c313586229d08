//! Everybody's turn comes, or they hear that it did not.

use std::time::Duration;

use futures_util::future::join_all;
use sqlx::{AnyConnection, Connection, raw_sql};
use store::StoreError;

use crate::place::{Place, event};

on_both!(a_record_whose_turn_does_not_come_is_withdrawn, two_nodes_of_one_name_are_two);

async fn a_record_whose_turn_does_not_come_is_withdrawn(place: &Place) {
    let store = place.open().await;
    let before = store.log_size().await.unwrap();
    let mut intruder: AnyConnection = place.connect().await;
    let lock = match place.url.sqlite_directory() {
        Some(_) => "BEGIN IMMEDIATE",
        None => "BEGIN; SELECT size FROM audit_head FOR UPDATE",
    };
    raw_sql(lock).execute(&mut intruder).await.unwrap();
    let waiting = join_all((0..20).map(|_| store.record(event())));
    for refused in tokio::time::timeout(Duration::from_secs(4), waiting).await.unwrap() {
        assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
    }
    raw_sql("COMMIT").execute(&mut intruder).await.unwrap();
    intruder.close().await.unwrap();
    assert_eq!(store.record(event()).await.unwrap(), before, "none of those that were withdrawn runs later");
    assert_eq!(store.log_size().await.unwrap(), before + 1);
}

async fn two_nodes_of_one_name_are_two(place: &Place) {
    let (one, two) = (place.open_as(Some("node")).await.unwrap(), place.open_as(Some("node")).await.unwrap());
    assert_eq!(place.count("SELECT COUNT(*) FROM node").await, 2);
    one.close().await;
    assert_eq!(place.count("SELECT COUNT(*) FROM node").await, 1, "the other one is still waited for");
    drop(two);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_process_lets_another_one_in() {
    let place = Place::sqlite();
    let (busy, visitor) = (place.open().await, place.open().await);
    let flood: Vec<_> = (0..64)
        .map(|_| {
            let busy = busy.clone();
            tokio::spawn(async move { while busy.record(event()).await.is_ok() {} })
        })
        .collect();
    let batches = || place.count("SELECT COUNT(*) FROM audit_batch");
    let start = batches().await;
    while batches().await < start + 20 {}
    for _ in 0..5 {
        let before = batches().await;
        visitor.record(event()).await.unwrap();
        let passed = batches().await - before;
        assert!(passed < 30, "{passed} batches went first");
    }
    // Opening writes too.
    let before = batches().await;
    place.open().await;
    let passed = batches().await - before;
    assert!(passed < 30, "{passed} batches went first");
    busy.close().await;
    join_all(flood).await;
}

#[tokio::test]
async fn a_process_that_hangs_with_the_turn_stops_nobody() {
    let place = Place::sqlite();
    let store = place.open().await;
    let turn = std::fs::File::open(place.file("portcullis.turn")).unwrap();
    turn.lock().unwrap();
    store.record(event()).await.unwrap();
}
