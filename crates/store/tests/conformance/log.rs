//! The log: what was written, provably.

use audit::{Checkpoint, Finding, check_inclusion, leaf_hash};
use store::{OpenError, Store, StoreError, VerifyError, VerifyOptions, verify};

use crate::place::{Place, saying};

on_both!(
    a_log_that_nobody_touched_verifies,
    an_edited_record_is_named,
    a_row_inside_another_is_not_read_and_is_found,
    what_is_stored_beside_the_records_is_compared_too,
    a_log_put_back_behind_its_last_head_is_found,
    a_verifier_key_kept_elsewhere_is_the_one_that_counts,
    a_removed_batch_is_named,
    a_log_that_was_cut_off_is_found,
    a_log_rolled_back_behind_a_witness_is_found,
    every_record_is_provably_in_the_log,
    two_stores_write_one_log,
    tiles_and_bundles_are_there_as_far_as_they_are_filled,
    an_exported_log_is_complete,
);

async fn fill(store: &Store, count: u64) {
    let records = (0..count).map(|number| store.record(saying(number)));
    for recorded in futures_util::future::join_all(records).await {
        recorded.unwrap();
    }
}

async fn check(place: &Place, witness: Option<&str>) -> Result<audit::Report, VerifyError> {
    let options = VerifyOptions { witness, ..Default::default() };
    verify(&place.url, &place.file(""), options).await.map(|verified| verified.report)
}

async fn a_log_that_nobody_touched_verifies(place: &Place) {
    let store = place.open().await;
    fill(&store, 10).await;
    let witness = store.checkpoint().await.unwrap();
    fill(&store, 600).await;
    let size = store.log_size().await.unwrap();
    assert_eq!(check(place, Some(&witness)).await.unwrap().size, size);
    store.close().await;
    assert_eq!(check(place, None).await.unwrap().size, size);
}

async fn an_edited_record_is_named(place: &Place) {
    let store = place.open().await;
    for number in 0..6 {
        store.record(saying(number)).await.unwrap();
    }
    let batch = store.log_size().await.unwrap() - 3;
    // Same length, other content.
    let (at, record) = store.records(batch, 1).await.unwrap().pop().unwrap();
    let mut forged = record.clone();
    *forged.last_mut().unwrap() = b' ';
    let bytes = place.literal(&audit::encode_bundle(&[forged]));
    place.tamper(&format!("UPDATE audit_batch SET entries = {bytes} WHERE first_seq = {at}")).await;
    let found = check(place, None).await;
    assert!(matches!(found, Err(VerifyError::Finding(Finding::Edited { index })) if index == at), "{found:?}");
}

async fn a_row_inside_another_is_not_read_and_is_found(place: &Place) {
    let store = place.open().await;
    fill(&store, 300).await;
    let forged = b"{\"event\":\"nothing_happened\"}";
    place
        .tamper(&format!(
            "INSERT INTO audit_batch (first_seq, count, entries, hashes) VALUES (1, 1, {}, {})",
            place.literal(&audit::encode_bundle(&[forged])),
            place.literal(&leaf_hash(forged).0),
        ))
        .await;
    let reads = [store.records(1, 1).await, store.records(0, 2).await, store.last_records(400).await];
    assert!(reads[0].is_err());
    assert!(reads.iter().flatten().flatten().all(|(_, record)| record != forged));
    let found = check(place, None).await;
    assert!(matches!(found, Err(VerifyError::Finding(Finding::Shadowed { index: 1 }))), "{found:?}");
}

async fn what_is_stored_beside_the_records_is_compared_too(place: &Place) {
    let store = place.open().await;
    fill(&store, 300).await;
    check(place, None).await.unwrap();
    let zeros = place.literal(&[0; 32]);
    for (forge, mend) in [
        (
            "UPDATE audit_batch SET count = count + 1 WHERE first_seq = 0",
            "UPDATE audit_batch SET count = count - 1 WHERE first_seq = 0",
        ),
        ("UPDATE audit_head SET size = size + 1", "UPDATE audit_head SET size = size - 1"),
        (
            &format!("INSERT INTO audit_batch (first_seq, count, entries, hashes) VALUES (9999, 1, {zeros}, {zeros})"),
            "DELETE FROM audit_batch WHERE first_seq = 9999",
        ),
        (
            &format!("INSERT INTO audit_tile (level, idx, root, hashes) VALUES (1, 0, {zeros}, {zeros})"),
            "DELETE FROM audit_tile WHERE level = 1",
        ),
        ("UPDATE audit_tile SET level = 5", "UPDATE audit_tile SET level = 0"),
        (&format!("UPDATE audit_tile SET root = {zeros}"), "DELETE FROM audit_tile"),
    ] {
        place.tamper(forge).await;
        let found = check(place, None).await;
        assert!(matches!(found, Err(VerifyError::Finding(_))), "{forge}: {found:?}");
        place.tamper(mend).await;
    }
}

async fn a_log_put_back_behind_its_last_head_is_found(place: &Place) {
    let store = place.open().await;
    place.tamper("CREATE TABLE kept AS SELECT * FROM audit_head").await;
    fill(&store, 3).await;
    store.close().await;
    place
        .tamper(
            "DELETE FROM audit_batch WHERE first_seq >= (SELECT size FROM kept);
             UPDATE audit_head SET (size, frontier, checkpoint) = (SELECT size, frontier, checkpoint FROM kept)",
        )
        .await;
    let found = check(place, None).await;
    assert!(matches!(found, Err(VerifyError::Finding(Finding::RolledBack { witnessed: 5, size: 2 }))), "{found:?}");
}

async fn a_verifier_key_kept_elsewhere_is_the_one_that_counts(place: &Place) {
    place.open().await.close().await;
    let key = std::fs::read_to_string(place.file("audit.vkey")).unwrap();
    std::fs::write(place.file("audit.vkey"), "another+0+0\n").unwrap();
    let verify = async |key| {
        verify(&place.url, &place.file(""), VerifyOptions { verifier_key: Some(key), ..Default::default() }).await
    };
    verify(&key).await.unwrap();
    assert!(matches!(verify("nonsense").await, Err(VerifyError::GivenKey(_))));
    assert!(matches!(check(place, None).await, Err(VerifyError::VerifierKey { .. })));
    std::fs::remove_file(place.file("audit.head")).unwrap();
    let stranger = audit::verifier_key("mcp.acme.example/audit", &crypto::LogKey::generate().public_bytes());
    assert!(matches!(verify(&stranger).await, Err(VerifyError::Finding(Finding::Checkpoint(_)))));
}

async fn a_removed_batch_is_named(place: &Place) {
    let store = place.open().await;
    for _ in 0..5 {
        fill(&store, 1).await;
    }
    place.tamper("DELETE FROM audit_batch WHERE first_seq = 3").await;
    let found = check(place, None).await;
    assert!(matches!(found, Err(VerifyError::Finding(Finding::Missing { index: 3 }))), "{found:?}");
}

async fn a_log_that_was_cut_off_is_found(place: &Place) {
    let store = place.open().await;
    for _ in 0..5 {
        fill(&store, 1).await;
    }
    place.tamper("DELETE FROM audit_batch WHERE first_seq >= 4").await;
    let found = check(place, None).await;
    assert!(matches!(found, Err(VerifyError::Finding(Finding::Truncated { found: 4, .. }))), "{found:?}");
    // And nothing is written on top of what is missing.
    let opened = place.open_as(None).await;
    assert!(matches!(opened, Err(OpenError::Store(StoreError::LogForked(_)))), "{opened:?}");
}

async fn a_log_rolled_back_behind_a_witness_is_found(place: &Place) {
    let store = place.open().await;
    let earlier = store.checkpoint().await.unwrap();
    fill(&store, 3).await;
    let witness = store.checkpoint().await.unwrap();
    store.close().await;
    place.tamper(&format!("UPDATE audit_head SET checkpoint = '{earlier}' WHERE one = 1")).await;
    let found = check(place, Some(&witness)).await;
    assert!(matches!(found, Err(VerifyError::Finding(Finding::RolledBack { .. }))), "{found:?}");
    assert!(matches!(check(place, Some("forged")).await, Err(VerifyError::Witness(_))));
}

async fn every_record_is_provably_in_the_log(place: &Place) {
    let store = place.open().await;
    fill(&store, 530).await;
    let head =
        Checkpoint::open(&store.checkpoint().await.unwrap(), store.log_origin(), &store.log_public_key()).unwrap();
    for index in [0, 1, 255, 256, 300, 511, 512, head.size - 1] {
        let (_, record) = store.records(index, 1).await.unwrap().pop().unwrap();
        let proof = store.inclusion_proof(index, head.size).await.unwrap();
        check_inclusion(leaf_hash(&record), index, head.size, &proof, head.root).unwrap();
    }
}

async fn two_stores_write_one_log(place: &Place) {
    let (one, two) = (place.open().await, place.open().await);
    let before = one.log_size().await.unwrap();
    for _ in 0..3 {
        tokio::join!(fill(&one, 100), fill(&two, 100));
    }
    assert_eq!(two.log_size().await.unwrap(), before + 600);
    check(place, None).await.unwrap();
}

/// Spec: C2SP tlog-tiles
async fn tiles_and_bundles_are_there_as_far_as_they_are_filled(place: &Place) {
    let store = place.open().await;
    let before = store.log_size().await.unwrap();
    fill(&store, 300 - before).await;
    let tile = |level, index| store.tile(level, index);
    assert_eq!(tile(0, 0).await.unwrap().unwrap().len(), 256 * 32);
    assert_eq!(tile(0, 1).await.unwrap().unwrap().len(), 44 * 32);
    assert_eq!(tile(1, 0).await.unwrap().unwrap().len(), 32);
    assert!(tile(0, 2).await.unwrap().is_none() && tile(2, 0).await.unwrap().is_none());
    assert!(tile(255, u64::MAX).await.unwrap().is_none() && store.bundle(u64::MAX).await.unwrap().is_none());
    let entries = |bundle: Option<Vec<u8>>| audit::decode_bundle(&bundle.unwrap()).unwrap().len();
    assert_eq!(entries(store.bundle(0).await.unwrap()), 256);
    assert_eq!(entries(store.bundle(1).await.unwrap()), 44);
    assert!(store.bundle(2).await.unwrap().is_none());
    let last = store.last_records(2).await.unwrap();
    assert_eq!(last.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [298, 299]);
}

async fn an_exported_log_is_complete(place: &Place) {
    let store = place.open().await;
    let before = store.log_size().await.unwrap();
    fill(&store, 300 - before).await;
    let export = place.directory.path().join("export");
    store.export(&export).await.unwrap();
    let note = std::fs::read_to_string(export.join("checkpoint")).unwrap();
    let key = std::fs::read_to_string(export.join("audit.vkey")).unwrap();
    let (origin, public) = audit::parse_verifier_key(&key).unwrap();
    assert_eq!(Checkpoint::open(&note, &origin, &public).unwrap().size, 300);
    for path in ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44"] {
        assert!(export.join(path).is_file(), "{path}");
    }
}
