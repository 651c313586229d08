//! What takes authority away is seen by every node.

use std::time::Duration;

use model::{Block, Target};
use store::{Commit, Store, StoreError, privilege::PrivilegeTx};

use crate::place::{Place, START, event};

on_both!(
    a_block_is_in_the_view_when_the_write_returns,
    a_block_reaches_the_other_node_before_the_wait_ends,
    a_node_is_waited_for_from_its_first_moment,
    a_lifted_block_is_remembered,
    a_node_that_is_gone_is_not_waited_for_long,
    a_change_that_takes_nothing_away_leaves_the_epoch_alone,
    a_new_signing_key_is_every_nodes_and_the_old_one_goes_when_it_is_due,
);

async fn block(store: &Store, target: Target) {
    let block = Block { target, at: START, reason: "a drill".into(), lifted_at: None };
    store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                PrivilegeTx::of(tx).put_block(&block).await?;
                Ok(Commit::with(event(), ()))
            })
        })
        .await
        .unwrap();
}

async fn a_block_is_in_the_view_when_the_write_returns(place: &Place) {
    let store = place.open_as(Some("one")).await.unwrap();
    let (epoch, mut epochs) = (store.epoch(), store.epochs());
    block(&store, Target::All).await;
    assert_eq!(store.blocks().iter().map(|block| &block.target).collect::<Vec<_>>(), [&Target::All]);
    assert_eq!(store.epoch(), epoch + 1);
    assert_eq!(*epochs.borrow_and_update(), epoch + 1);
    store.freshness().unwrap();
}

async fn a_block_reaches_the_other_node_before_the_wait_ends(place: &Place) {
    let server = place.open_as(Some("server")).await.unwrap();
    let visitor = place.open().await;
    block(&visitor, Target::Agent("scribe".parse().unwrap())).await;
    visitor.wait_until_everywhere().await.unwrap();
    assert_eq!(server.blocks().len(), 1);
    // Each counts what it showed; what stands behind it is the same.
    let stamp = |store: &Store| store.epoch_stamp(store.epoch());
    assert_eq!(stamp(&server), stamp(&visitor));
}

async fn a_node_is_waited_for_from_its_first_moment(place: &Place) {
    let _node = place.open_as(Some("server")).await.unwrap();
    assert_eq!(place.count("SELECT COUNT(*) FROM node").await, 1);
}

async fn a_lifted_block_is_remembered(place: &Place) {
    let store = place.open().await;
    block(&store, Target::All).await;
    let lift = || {
        store.write::<_, StoreError, _>(|tx| {
            Box::pin(async move {
                let now = tx.now();
                Ok(Commit::with(event(), PrivilegeTx::of(tx).lift_block(&Target::All, now).await?))
            })
        })
    };
    assert!(lift().await.unwrap());
    assert!(!lift().await.unwrap());
    assert_eq!(store.blocks()[0].lifted_at, Some(START));
    assert_eq!(store.all_blocks().await.unwrap(), *store.blocks());
    block(&store, Target::All).await;
    assert_eq!(store.blocks().iter().map(|block| block.lifted_at).collect::<Vec<_>>(), [None]);
}

async fn a_node_that_is_gone_is_not_waited_for_long(place: &Place) {
    let store = place.open().await;
    place.tamper("INSERT INTO node (name, boot, stamp, log_size, seen_at) VALUES ('crashed', 'x', 'of another history', 0, 0)").await;
    block(&store, Target::All).await;
    let wait = || tokio::time::timeout(Duration::from_secs(20), store.wait_until_everywhere());
    wait().await.unwrap().unwrap();
    // It is forgotten now: the next wait is over at once, as far as a test can say so.
    wait().await.unwrap().unwrap();
}

async fn a_change_that_takes_nothing_away_leaves_the_epoch_alone(place: &Place) {
    let store = place.open().await;
    let epoch = store.epoch();
    store.record(event()).await.unwrap();
    assert_eq!(store.epoch(), epoch);
}

/// Field: A9
async fn a_new_signing_key_is_every_nodes_and_the_old_one_goes_when_it_is_due(place: &Place) {
    let server = place.open_as(Some("server")).await.unwrap();
    let visitor = place.open().await;
    let kids = |now| {
        let jwks = server.jwks(now);
        let kids = jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned());
        kids.collect::<Vec<_>>()
    };
    let old = kids(START);
    let key = visitor.new_access_key();
    let (new, gone) = (key.kid.clone(), START.after(model::Span::from_minutes(21)));
    let rotated = visitor.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            PrivilegeTx::of(tx).put_access_key(&key, START.after(model::Span::from_minutes(10))).await?;
            let retired = PrivilegeTx::of(tx).retire_access_keys(&key, gone).await?;
            Ok(Commit::with(event(), retired))
        })
    });
    assert_eq!(rotated.await.unwrap(), 1);
    visitor.wait_until_everywhere().await.unwrap();
    assert_eq!(kids(START), [new.clone(), old[0].clone()]);
    assert_eq!(kids(gone), [new]);
    let all = visitor.access_keys().await.unwrap();
    assert_eq!(all.iter().map(|key| key.gone_at).collect::<Vec<_>>(), [None, Some(gone)]);
}
