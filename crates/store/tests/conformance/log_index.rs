//! Records that are found by their agent.

use model::{
    Actor, Agent, Event, Id, Span, Target, Timestamp,
    event::{CallDecided, CallRefused, Revoked, examples},
};
use store::{Commit, Indexed, Store, StoreError};

use crate::place::{Place, START, event};

on_both!(
    the_records_of_an_agent_are_found_wherever_they_stand,
    a_change_that_was_rolled_back_is_not_in_the_index,
    another_process_goes_on_with_the_index,
);

fn id(name: &str) -> Id<Agent> {
    name.parse().unwrap()
}

fn call(name: &str) -> Event {
    CallDecided { agent: id(name), ..examples::call_decided(name) }.by(Actor::Agent(id(name)))
}

fn refused(name: &str) -> Event {
    CallRefused { agent: id(name), ..examples::call_refused() }.by(Actor::Agent(id(name)))
}

async fn record(store: &Store, event: Event) -> u64 {
    store.record(event).await.unwrap()
}

/// The indexes of the records that the index has, and name `agent`.
async fn found(store: &Store, word: Indexed, agent: &str, since: Timestamp, limit: usize) -> Vec<u64> {
    let event = if word == Indexed::StepUp { "\"call_refused\"" } else { "" };
    let names = |text: &str| text.contains(&format!("\"{agent}\"")) && text.contains(event);
    let pick = |index, bytes: &[u8]| names(&String::from_utf8_lossy(bytes)).then_some(index);
    store.newest_of(word, &[id(agent)], since, limit, pick).await.unwrap()
}

async fn the_records_of_an_agent_are_found_wherever_they_stand(place: &Place) {
    let store = place.open().await;
    assert_eq!(found(&store, Indexed::Agent, "scribe", START, 9).await, [0; 0]);
    assert_eq!(store.last_call(&id("scribe")).await.unwrap(), None);
    let mut its_own = Vec::new();
    for _ in 0..3 {
        its_own.push(record(&store, call("scribe")).await);
        futures_util::future::join_all((0..90).map(|_| record(&store, call("another")))).await;
    }
    its_own.reverse();
    assert_eq!(found(&store, Indexed::Agent, "scribe", Timestamp::default(), 9).await, its_own);
    assert_eq!(found(&store, Indexed::Call, "scribe", Timestamp::default(), 2).await, its_own[..2]);
    assert_eq!(found(&store, Indexed::StepUp, "scribe", Timestamp::default(), 9).await, [0; 0]);
    assert_eq!(store.last_call(&id("scribe")).await.unwrap(), Some(START));

    place.clock.advance(Span::from_minutes(90));
    let later = store.now();
    let lacked = record(&store, refused("scribe")).await;
    let target = Target::Agent(id("scribe"));
    let revoked = record(&store, Revoked::of(&target, "a drill".into()).by(Actor::Operator)).await;
    assert_eq!(found(&store, Indexed::Agent, "scribe", Timestamp::default(), 2).await, [revoked, lacked]);
    let hour = Span::from_minutes(60);
    assert_eq!(found(&store, Indexed::StepUp, "scribe", later.before(hour), 9).await, [lacked]);
    assert_eq!(found(&store, Indexed::StepUp, "scribe", later.after(hour), 9).await, [0; 0]);
    assert_eq!(store.last_call(&id("scribe")).await.unwrap(), Some(START), "no call was allowed since");
    record(&store, call("scribe")).await;
    assert_eq!(store.last_call(&id("scribe")).await.unwrap(), Some(later));
}

async fn a_change_that_was_rolled_back_is_not_in_the_index(place: &Place) {
    let store = place.open().await;
    let failed = store.write::<(), StoreError, _>(|_| Box::pin(async { Err(StoreError::Busy) })).await;
    assert!(failed.is_err());
    let nothing = store.write::<_, StoreError, _>(|_| Box::pin(async { Ok(Commit::nothing(())) })).await;
    nothing.unwrap();
    record(&store, event()).await;
    assert_eq!(place.count("SELECT COUNT(*) FROM log_index").await, 0);
    record(&store, call("scribe")).await;
    assert_eq!(place.count("SELECT COUNT(*) FROM log_index").await, 2);
}

async fn another_process_goes_on_with_the_index(place: &Place) {
    let first = place.open().await;
    record(&first, call("scribe")).await;
    let second = place.open().await;
    place.clock.advance(Span::from_seconds(5));
    record(&second, call("scribe")).await;
    assert_eq!(place.count("SELECT COUNT(*) FROM log_index").await, 2);
    assert_eq!(first.last_call(&id("scribe")).await.unwrap(), Some(first.now()));
    place.clock.advance(Span::from_seconds(5));
    record(&second, call("scribe")).await;
    let exact = second.last_call(&id("scribe")).await.unwrap();
    assert_eq!(exact, Some(second.now().before(Span::from_seconds(5))), "to the minute");
}
