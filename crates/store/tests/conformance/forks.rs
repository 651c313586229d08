//! Nobody without the key makes this program sign another history.

use std::{fs, path::PathBuf};

use audit::{Checkpoint, Frontier, encode_bundle, encode_tile, leaf_hash};
use store::{OpenError, OpenOptions, Store, StoreError};

use crate::place::{Place, event, saying};

on_both!(
    a_rewritten_history_is_not_signed,
    a_rewritten_history_is_not_opened,
    a_log_put_back_while_it_runs_is_not_continued,
    a_log_put_back_while_it_was_down_is_not_opened,
    a_branch_that_another_process_signed_is_not_followed,
    a_branch_that_another_process_signed_is_not_opened,
    a_log_that_another_process_continued_is_opened,
    a_last_head_of_another_log_is_refused,
    a_database_that_lost_its_log_is_not_started_anew,
    the_last_head_is_kept_while_the_store_is_open,
);

async fn some(store: &Store, count: u64) {
    for number in 0..count {
        store.record(saying(number)).await.unwrap();
    }
}

/// What somebody can do who may write to the database and has no key: another record at `at`, and everything
/// made to fit it but the signature.
async fn rewrite(place: &Place, store: &Store, at: u64) {
    let mut records: Vec<_> = store.records(0, 1000).await.unwrap().into_iter().map(|(_, record)| record).collect();
    records[at as usize] = b"{\"event\":\"nothing_happened\"}".to_vec();
    let mut frontier = Frontier::new();
    records.iter().for_each(|record| frontier.append(leaf_hash(record)));
    let forged = &records[at as usize];
    let (entries, hashes) = (encode_bundle(&[forged]), encode_tile(&[leaf_hash(forged)]));
    place
        .tamper(&format!(
            "UPDATE audit_batch SET entries = {}, hashes = {} WHERE first_seq = {at};
             UPDATE audit_head SET frontier = {}",
            place.literal(&entries),
            place.literal(&hashes),
            place.literal(&frontier.to_bytes()),
        ))
        .await;
}

async fn refuses_everything(store: &Store) {
    let refused = store.record(event()).await;
    assert!(matches!(refused, Err(StoreError::LogForked(_))), "{refused:?}");
    store.freshness().unwrap_err();
    assert!(matches!(store.record(event()).await, Err(StoreError::Closed)));
}

async fn a_rewritten_history_is_not_signed(place: &Place) {
    let store = place.open().await;
    some(&store, 5).await;
    let signed = store.checkpoint().await.unwrap();
    rewrite(place, &store, 4).await;
    refuses_everything(&store).await;
    assert_eq!(store.checkpoint().await.unwrap(), signed);
}

async fn a_rewritten_history_is_not_opened(place: &Place) {
    let store = place.open().await;
    some(&store, 5).await;
    rewrite(place, &store, 4).await;
    store.close().await;
    let opened = place.open_as(None).await;
    assert!(matches!(opened, Err(OpenError::Store(StoreError::LogForked(_)))), "{opened:?}");
}

const KEEP: &str = "CREATE TABLE kept AS SELECT * FROM audit_head";
const PUT_BACK: &str = "DELETE FROM audit_batch WHERE first_seq >= (SELECT size FROM kept);
    UPDATE audit_head SET (size, frontier, checkpoint) = (SELECT size, frontier, checkpoint FROM kept)";

async fn a_log_put_back_while_it_runs_is_not_continued(place: &Place) {
    let store = place.open().await;
    place.tamper(KEEP).await;
    some(&store, 5).await;
    place.tamper(PUT_BACK).await;
    refuses_everything(&store).await;
}

async fn a_log_put_back_while_it_was_down_is_not_opened(place: &Place) {
    let store = place.open().await;
    place.tamper(KEEP).await;
    some(&store, 5).await;
    store.close().await;
    place.tamper(PUT_BACK).await;
    let opened = place.open_as(None).await;
    assert!(matches!(opened, Err(OpenError::LogCut { seen: 7, size: 2, .. })), "{opened:?}");
    // Whoever accepts that says so.
    fs::remove_file(place.file("audit.head")).unwrap();
    place.open().await;
}

/// The same keys elsewhere, without a memory of the log.
async fn stranger(place: &Place) -> Store {
    let data_dir: PathBuf = place.directory.path().join("elsewhere");
    fs::create_dir(&data_dir).unwrap();
    fs::copy(place.file("master.key"), data_dir.join("master.key")).unwrap();
    Store::open(OpenOptions { data_dir, ..place.options(None) }).await.unwrap()
}

async fn a_branch_that_another_process_signed_is_not_followed(place: &Place) {
    let store = place.open().await;
    place.tamper(KEEP).await;
    some(&store, 5).await;
    place.tamper(PUT_BACK).await;
    let other = stranger(place).await;
    other.record(saying("another")).await.unwrap();
    some(&other, 300).await;
    refuses_everything(&store).await;
}

async fn a_branch_that_another_process_signed_is_not_opened(place: &Place) {
    let store = place.open().await;
    place.tamper(KEEP).await;
    some(&store, 5).await;
    store.close().await;
    place.tamper(PUT_BACK).await;
    let other = stranger(place).await;
    other.record(saying("another")).await.unwrap();
    some(&other, 300).await;
    let opened = place.open_as(None).await;
    assert!(matches!(opened, Err(OpenError::LogRewritten { seen: 7, .. })), "{opened:?}");
}

async fn a_log_that_another_process_continued_is_opened(place: &Place) {
    let store = place.open().await;
    some(&store, 5).await;
    let other = stranger(place).await;
    some(&other, 300).await;
    some(&store, 1).await;
    store.close().await;
    some(&other, 300).await;
    some(&place.open().await, 1).await;
}

async fn a_last_head_of_another_log_is_refused(place: &Place) {
    place.open().await.close().await;
    fs::write(place.file("audit.head"), "another\n0\n").unwrap();
    let opened = place.open_as(None).await;
    assert!(matches!(opened, Err(OpenError::NotAHead { .. })), "{opened:?}");
}

async fn a_database_that_lost_its_log_is_not_started_anew(place: &Place) {
    place.open().await.close().await;
    place.tamper("DELETE FROM signing_key; DELETE FROM audit_head; DELETE FROM audit_batch").await;
    let opened = place.open_as(None).await;
    assert!(matches!(opened, Err(OpenError::DatabaseGone { .. })), "{opened:?}");
    assert_eq!(place.count("SELECT COUNT(*) FROM signing_key").await, 0);
}

async fn the_last_head_is_kept_while_the_store_is_open(place: &Place) {
    let store = place.open().await;
    some(&store, 5).await;
    let head = place.file("audit.head");
    let kept = || async {
        loop {
            let note = fs::read_to_string(&head).unwrap_or_default();
            match Checkpoint::open(&note, store.log_origin(), &store.log_public_key()) {
                Ok(kept) if kept.size == 7 => return,
                _ => tokio::task::yield_now().await,
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), kept()).await.unwrap();
}
