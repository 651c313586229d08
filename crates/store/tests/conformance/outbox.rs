//! What is told leaves with what it tells of, once, and is not kept for ever.

use model::{
    Actor, Event, Message, MessageKind, Span, StepUp, Timestamp,
    event::{MessagesGivenUp, examples},
};
use store::{Commit, Posting, Store, StoreError, Subscriber, Subscriptions};

use crate::place::{Place, elevation, settle};

on_both!(
    a_message_is_there_when_its_event_is_and_not_otherwise,
    nobody_is_told_who_did_not_ask_for_it,
    of_two_nodes_one_sends,
    the_lease_of_a_node_that_was_killed_runs_out,
    what_failed_waits_and_holds_its_receiver_back_when_that_is_away,
    an_agent_that_acts_for_itself_is_told_of_once_in_ten_minutes,
    what_is_given_up_has_a_record_and_a_receiver_that_wants_no_more_gets_none,
    no_more_than_a_thousand_wait,
);

const LEASE: Span = Span::from_seconds(60);

fn tell(store: &Store, receivers: &[(&str, Option<MessageKind>)]) {
    let subscriber = |(name, kind): &(&str, Option<MessageKind>)| Subscriber {
        receiver: (*name).to_owned(),
        servers: None,
        kinds: kind.map(|kind| vec![kind]),
    };
    let subscribers = receivers.iter().map(subscriber).collect();
    store.tell(Subscriptions { public_url: "https://gw.test".into(), subscribers });
}

async fn asked(store: &Store, is_for_a_person: bool) -> Event {
    let grant = settle(store).await;
    let mut requested = examples::elevation_requested(&elevation(&grant.id, 1));
    requested.of.by = StepUp::Approval;
    if !is_for_a_person {
        requested.of.person = None;
    }
    requested.by(Actor::System)
}

async fn take(store: &Store, lease: &str) -> Option<Posting> {
    store.take_message("ops", lease, LEASE).await.unwrap()
}

async fn waiting(store: &Store) -> u64 {
    store.outbox_state("ops").await.unwrap().waiting
}

/// Field: W2
async fn a_message_is_there_when_its_event_is_and_not_otherwise(place: &Place) {
    let store = place.open().await;
    tell(&store, &[("ops", None)]);
    let event = asked(&store, true).await;
    let taken_back = event.clone();
    let failed = store.write::<(), StoreError, _>(move |_| {
        Box::pin(async move {
            let _ = Commit::with(taken_back, ());
            Err(StoreError::StatementIgnored)
        })
    });
    assert!(failed.await.is_err());
    assert_eq!(waiting(&store).await, 0, "what did not happen is not told");
    store.record(event.clone()).await.unwrap();
    store.write::<_, StoreError, _>(move |_| Box::pin(async move { Ok(Commit::with(event, ())) })).await.unwrap();
    assert_eq!(waiting(&store).await, 2, "recorded alone, or with a change");
    // Another process finds it, whoever wrote it.
    store.close().await;
    let again = place.open().await;
    let posting = take(&again, "l1").await.unwrap();
    assert_eq!((posting.kind.as_str(), posting.attempts), ("approval_requested", 0));
    assert!(posting.id.as_str().starts_with("msg_") && posting.body.contains("https://gw.test/console/approvals/elv_"));
    again.close().await;
}

async fn nobody_is_told_who_did_not_ask_for_it(place: &Place) {
    let store = place.open().await;
    let event = asked(&store, true).await;
    store.record(event.clone()).await.unwrap();
    tell(&store, &[("ops", Some(MessageKind::Revoked)), ("other", None)]);
    store.record(event).await.unwrap();
    assert_eq!(waiting(&store).await, 0);
    assert_eq!(store.outbox_state("other").await.unwrap().waiting, 1);
    assert_eq!(store.receivers_due(store.now()).await.unwrap(), ["other"]);
}

/// Field: W1
async fn of_two_nodes_one_sends(place: &Place) {
    let (one, other) = (place.open_as(Some("a")).await.unwrap(), place.open_as(Some("b")).await.unwrap());
    tell(&one, &[("ops", None)]);
    let event = asked(&one, true).await;
    for _ in 0..60 {
        one.record(event.clone()).await.unwrap();
    }
    let all = async |store: &Store, lease: &str| {
        let mut ids = Vec::new();
        while let Some(posting) = take(store, &format!("{lease}{}", ids.len())).await {
            ids.push(posting.id.to_string());
        }
        ids
    };
    let (mut taken, there) = tokio::join!(all(&one, "a"), all(&other, "b"));
    taken.extend(there);
    assert_eq!(taken.len(), 60, "none is taken twice");
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len(), 60, "and none is left out");
    assert!(take(&one, "c").await.is_none());
}

/// Field: W3
async fn the_lease_of_a_node_that_was_killed_runs_out(place: &Place) {
    let store = place.open().await;
    tell(&store, &[("ops", None)]);
    store.record(asked(&store, true).await).await.unwrap();
    let first = take(&store, "killed").await.unwrap();
    place.clock.advance(Span::from_seconds(59));
    assert!(take(&store, "next").await.is_none());
    place.clock.advance(Span::from_seconds(1));
    let second = take(&store, "next").await.unwrap();
    assert_eq!(second, first, "the same message under the same id");
    // The first one lives after all: what it says counts no more.
    store.message_failed(&first, "killed", ("late", false), store.now()).await.unwrap();
    assert!(take(&store, "third").await.is_none());
    store.message_sent(&second, "next").await.unwrap();
    let state = store.outbox_state("ops").await.unwrap();
    assert_eq!((state.waiting, state.failing_since, state.delivered_at), (0, None, Some(store.now())));
}

/// Field: W5
async fn what_failed_waits_and_holds_its_receiver_back_when_that_is_away(place: &Place) {
    let store = place.open().await;
    tell(&store, &[("ops", None), ("other", None)]);
    let event = asked(&store, true).await;
    for _ in 0..3 {
        store.record(event.clone()).await.unwrap();
    }
    let later = store.now().after(Span::from_seconds(30));
    let first = take(&store, "l1").await.unwrap();
    store.message_failed(&first, "l1", ("status 400", false), later).await.unwrap();
    let second = take(&store, "l2").await.expect("the receiver is there: the next one is tried");
    assert_ne!(second.id, first.id);
    store.message_failed(&second, "l2", ("status 500", true), later).await.unwrap();
    assert_eq!(store.receivers_due(store.now()).await.unwrap(), ["other"], "nobody else is held back");
    let state = store.outbox_state("ops").await.unwrap();
    assert_eq!((state.waiting, state.failing_since), (3, Some(store.now())));
    place.clock.advance(Span::from_seconds(30));
    let again = take(&store, "l3").await.unwrap();
    assert_eq!(again.id, first.id);
    store.message_sent(&again, "l3").await.unwrap();
    assert_eq!(store.outbox_state("ops").await.unwrap().failing_since, None);
}

/// Field: W10
async fn an_agent_that_acts_for_itself_is_told_of_once_in_ten_minutes(place: &Place) {
    let store = place.open().await;
    tell(&store, &[("ops", None)]);
    let event = asked(&store, false).await;
    for _ in 0..5 {
        store.record(event.clone()).await.unwrap();
    }
    assert_eq!(waiting(&store).await, 2, "one now, and one that stands for the rest");
    let first = take(&store, "l1").await.unwrap();
    store.message_sent(&first, "l1").await.unwrap();
    assert!(take(&store, "l2").await.is_none());
    place.clock.advance(Message::PACE);
    let second = take(&store, "l3").await.unwrap();
    store.message_sent(&second, "l3").await.unwrap();
    store.record(event.clone()).await.unwrap();
    assert!(take(&store, "l4").await.is_none(), "the pause goes on from there");
    place.clock.advance(Message::PACE);
    assert!(take(&store, "l5").await.is_some());
    place.clock.advance(Span::from_minutes(60));
    store.record(event).await.unwrap();
    assert_eq!(waiting(&store).await, 2, "after a quiet while one is told of at once");
}

async fn give_up(store: &Store, tried: &Posting, since: Timestamp) -> u64 {
    let tried = tried.clone();
    let given_up = store.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            let messages = tx.give_up_messages("ops", since, &tried.id).await?;
            let message = tried.id.to_string();
            let event = MessagesGivenUp { receiver: "ops".into(), message, messages, attempts: 9, said: "tls".into() };
            Ok(Commit::with(event.by(Actor::System), messages))
        })
    });
    given_up.await.unwrap()
}

/// Field: W9
async fn what_is_given_up_has_a_record_and_a_receiver_that_wants_no_more_gets_none(place: &Place) {
    let store = place.open().await;
    tell(&store, &[("ops", None)]);
    let event = asked(&store, true).await;
    for _ in 0..3 {
        store.record(event.clone()).await.unwrap();
        place.clock.advance(Span::from_seconds(10));
    }
    let tried = take(&store, "l1").await.unwrap();
    let since = store.now().before(Span::from_seconds(15));
    assert_eq!(give_up(&store, &tried, since).await, 2, "and what came after it waits");
    let state = store.outbox_state("ops").await.unwrap();
    assert_eq!((state.waiting, state.given_up), (1, 2));

    let off = async || {
        let switched = store.write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let switched = tx.switch_receiver_off("ops").await?;
                Ok(Commit::with(crate::place::event(), switched))
            })
        });
        switched.await.unwrap()
    };
    assert_eq!((off().await, off().await), (Some(1), None), "once");
    store.record(event.clone()).await.unwrap();
    assert_eq!(waiting(&store).await, 0);
    let on = store.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move { Ok(Commit::with(crate::place::event(), tx.switch_receiver_on("ops").await?)) })
    });
    assert!(on.await.unwrap());
    store.record(event).await.unwrap();
    assert_eq!(waiting(&store).await, 1);
}

async fn no_more_than_a_thousand_wait(place: &Place) {
    let store = place.open().await;
    tell(&store, &[("ops", None)]);
    let event = asked(&store, true).await;
    store.record(event.clone()).await.unwrap();
    let first = take(&store, "l1").await.unwrap();
    store.message_failed(&first, "l1", ("status 500", true), store.now()).await.unwrap();
    place.clock.advance(Span::from_seconds(1));
    store
        .write::<_, StoreError, _>(move |_| {
            Box::pin(async move {
                let many = (0..1_002).fold(Commit::nothing(()), |commit, _| commit.and(event.clone()));
                Ok(many)
            })
        })
        .await
        .unwrap();
    assert_eq!(waiting(&store).await, 1_000);
    assert_ne!(take(&store, "l2").await.unwrap().id, first.id, "the oldest made room");
}
