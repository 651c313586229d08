//! Going on after a clock that ran ahead.
#![allow(clippy::unwrap_used)]

mod support;

use model::{Actor, Clock, ElevationState, Span, Timestamp, event::examples};
use portcullis_governance::orders::{accept_clock, approve, restore, revoke};
use privilege::Refused;
use store::{Commit, Missing, OpenOptions, Store, StoreError};
use support::Installation;

const FORTNIGHT: Span = Span::from_minutes(14 * 24 * 60);

/// A clock that ran a fortnight ahead, with what was done in that time, and the store as a command sees it after the node
/// was stopped and the clock set.
struct Ahead {
    world: Installation,
    store: Store,
    was: Timestamp,
}

impl Ahead {
    async fn a_fortnight() -> Self {
        let world = Installation::start().await;
        let right = world.now().after(Span::from_minutes(3));
        world.clock.set(world.now().after(FORTNIGHT));
        world.grant("grt_later", support::NIGHTLY, None, "files").await;
        let request = world.request("elv_later", "grt_later", "tickets.delete_ticket").await;
        let bob = world.decider("bob").await;
        approve(&world.store, &request, &bob, None).await.unwrap();
        let was = world.now();
        world.store.clone().close().await;
        world.clock.set(right);
        let store = visit(&world).await;
        Self { world, store, was }
    }
}

async fn visit(world: &Installation) -> Store {
    Store::open(OpenOptions {
        url: model::config::StoreUrl::sqlite_in(world.directory.path()),
        data_dir: world.directory.path().to_owned(),
        origin: "gw.test/audit".into(),
        clock: world.clock.clone(),
        node: None,
        store_silence: Span::from_seconds(1),
        missing: Missing::IsRefused,
    })
    .await
    .unwrap()
}

async fn record(store: &Store) -> Timestamp {
    let event = examples::any();
    store.write::<_, StoreError, _>(move |tx| Box::pin(async move { Ok(Commit::with(event, tx.now())) })).await.unwrap()
}

async fn use_once(store: &Store, word: &'static str, lasts: Span) -> bool {
    let event = examples::any();
    store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                let first = tx.use_once("client_assertion", word, now.after(lasts), now).await?;
                Ok(Commit::with(event, first))
            })
        })
        .await
        .unwrap()
}

/// Field: N8
#[tokio::test]
async fn one_change_from_a_fortnight_ahead_does_not_stop_the_clock_for_a_fortnight() {
    let Ahead { world, store, was } = Ahead::a_fortnight().await;
    assert_eq!(record(&store).await, was, "time does not go back by itself");
    let accepted = accept_clock(&store, Actor::Operator, "the battery of the clock").await.unwrap();
    assert_eq!((accepted.was, accepted.now), (was, world.now()));
    store.close().await;
    let store = visit(&world).await;
    assert_eq!(record(&store).await, world.clock.now());
    let records = store.last_records(10).await.unwrap();
    let said = |record: &[u8]| serde_json::from_slice::<serde_json::Value>(record).unwrap();
    let accepted = records.iter().map(|(_, record)| said(record)).find(|record| record["event"] == "clock_accepted");
    let accepted = accepted.unwrap();
    assert_eq!(
        (accepted["actor"].as_str(), accepted["reason"].as_str()),
        (Some("operator"), Some("the battery of the clock"))
    );
}

/// Field: N8
#[tokio::test]
async fn what_was_given_in_the_time_that_never_was_ends_and_what_was_given_before_stands() {
    let Ahead { world, store, .. } = Ahead::a_fortnight().await;
    let keys = store.access_keys().await.unwrap();
    let ended = accept_clock(&store, Actor::Operator, "wrong").await.unwrap().ended;
    assert_eq!((ended.grants, ended.elevations), (1, 1), "each elevation counts, also that of a grant that ended");
    let grant = async |id: &str| store.grant(&id.parse().unwrap()).await.unwrap().unwrap();
    assert!(!grant("grt_later").await.is_live(world.now()));
    assert!(grant("grt_nightly").await.is_live(world.now()));
    let elevation = store.elevation(&"elv_later".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(elevation.state(), ElevationState::Ended);
    // A token of the later time would come alive when that time comes.
    for old in keys {
        let now = store.access_keys().await.unwrap().into_iter().find(|key| key.kid == old.kid).unwrap();
        assert!(now.gone_at.is_some_and(|gone| gone <= world.now()), "{}", now.kid);
    }
}

/// Field: N8
#[tokio::test]
async fn what_the_wrong_clock_forgot_can_not_be_used_again() {
    let Ahead { world, store, .. } = Ahead::a_fortnight().await;
    accept_clock(&store, Actor::Operator, "wrong").await.unwrap();
    store.close().await;
    let store = visit(&world).await;
    assert!(!use_once(&store, "made before", Span::from_minutes(4)).await);
    world.clock.set(world.now().after(Span::from_minutes(5)));
    assert!(use_once(&store, "made after", Span::from_minutes(4)).await);
}

/// Field: N8
#[tokio::test]
async fn a_block_that_was_lifted_in_that_time_goes_on_to_stop_what_is_older_than_now_and_nothing_newer() {
    let world = Installation::start().await;
    let right = world.now().after(Span::from_minutes(3));
    world.clock.set(world.now().after(FORTNIGHT));
    let agent = model::Target::parse("agent", support::NIGHTLY).unwrap();
    revoke(&world.store, &agent, Actor::Operator, "odd").await.unwrap();
    restore(&world.store, &agent, Actor::Operator, "fine").await.unwrap();
    world.store.clone().close().await;
    world.clock.set(right);
    let store = visit(&world).await;
    accept_clock(&store, Actor::Operator, "wrong").await.unwrap();
    let block = store.all_blocks().await.unwrap().pop().unwrap();
    assert_eq!((block.at, block.lifted_at), (right, Some(right)));
}

#[tokio::test]
async fn time_is_not_put_back_under_a_node_that_runs() {
    let Ahead { world, store, was } = Ahead::a_fortnight().await;
    let node = Store::open(OpenOptions {
        url: model::config::StoreUrl::sqlite_in(world.directory.path()),
        data_dir: world.directory.path().to_owned(),
        origin: "gw.test/audit".into(),
        clock: world.clock.clone(),
        node: Some("node-2".into()),
        store_silence: Span::from_seconds(1),
        missing: Missing::IsMade,
    })
    .await
    .unwrap();
    let refused = accept_clock(&store, Actor::Operator, "wrong").await.unwrap_err();
    assert!(matches!(&refused, Refused::Store(StoreError::NodesRun(name)) if name.starts_with("node-2")), "{refused}");
    assert_eq!(record(&store).await, was);
    node.close().await;
    accept_clock(&store, Actor::Operator, "wrong").await.unwrap();
}

/// Field: N8
#[tokio::test]
async fn of_two_who_accept_at_once_one_finds_the_clock_right() {
    let Ahead { world, store, was } = Ahead::a_fortnight().await;
    let other = visit(&world).await;
    let (one, two) = tokio::join!(
        accept_clock(&store, Actor::Operator, "wrong"),
        accept_clock(&other, Actor::Operator, "wrong too")
    );
    let (accepted, refused) = if one.is_ok() { (one, two) } else { (two, one) };
    assert_eq!(accepted.unwrap().was, was);
    let refused = refused.unwrap_err();
    assert!(matches!(refused, Refused::ClockIsRight { .. }), "{refused}");
    assert_eq!(store.access_keys().await.unwrap().len(), 2, "one key was made");
}

#[tokio::test]
async fn a_clock_that_is_not_behind_has_nothing_to_accept_and_a_reason_is_wanted() {
    let world = Installation::start().await;
    world.store.clone().close().await;
    // A moment behind is what of two who accept at once the second one is.
    for clock in [world.now().after(Span::from_minutes(1)), world.now().before(Span::from_minutes(2))] {
        world.clock.set(clock);
        let store = visit(&world).await;
        let refused = accept_clock(&store, Actor::Operator, "to be sure").await.unwrap_err();
        assert!(matches!(refused, Refused::ClockIsRight { .. }), "{refused}");
        store.close().await;
    }
    let store = visit(&world).await;
    let refused = accept_clock(&store, Actor::Operator, "  ").await.unwrap_err();
    assert!(matches!(refused, Refused::NoReason), "{refused}");
    assert_eq!(store.access_keys().await.unwrap().len(), 1, "and nothing was changed");
}
