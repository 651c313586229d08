//! Who a browser is, from its cookie to the person.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, header};
use model::{
    Actor, Clock, Event, EventName, ManualClock, Person, Span, Timestamp,
    config::{PublicUrl, StoreUrl},
};
use portcullis_pages::{Cookies, signed_in};
use store::{Commit, OpenOptions, Session, Store, StoreError};
use token::Digest;

struct World {
    store: Store,
    clock: Arc<ManualClock>,
    _directory: tempfile::TempDir,
}

impl World {
    /// Ada is logged in for an hour with the cookie `pcs_ada`.
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let options = OpenOptions {
            url: StoreUrl::sqlite_in(directory.path()),
            data_dir: directory.path().to_owned(),
            origin: "gw.test/audit".into(),
            clock: clock.clone(),
            node: None,
            store_silence: Span::from_seconds(60),
            missing: store::Missing::IsMade,
        };
        let world = Self { store: Store::open(options).await.unwrap(), clock, _directory: directory };
        world.put_ada(false).await;
        let session = Session {
            digest: Digest::of("pcs_ada"),
            person: "ada".parse().unwrap(),
            logged_in_at: world.clock.now(),
            not_after: world.clock.now().after(Span::from_minutes(60)),
        };
        let event = Event::new(EventName::LoginSucceeded, Actor::Person("ada".into()));
        let begun = world.store.write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                tx.put_session(&session).await?;
                Ok(Commit::with(event, ()))
            })
        });
        begun.await.unwrap();
        world
    }

    async fn put_ada(&self, disabled: bool) {
        let person =
            Person { id: "ada".parse().unwrap(), display_name: "Ada".into(), roles: Default::default(), disabled };
        let event = Event::new(EventName::PersonChanged, Actor::System);
        let put = self.store.write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                tx.put_person(&person, None).await?;
                Ok(Commit::with(event, ()))
            })
        });
        put.await.unwrap();
    }

    async fn who(&self, cookie: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(cookie).unwrap());
        let cookies = Cookies::for_url(&PublicUrl::try_from("https://gw.test".to_owned()).unwrap());
        let found = signed_in(&self.store, cookies, &headers).await.unwrap();
        found.map(|signed_in| signed_in.person.id.to_string())
    }
}

#[tokio::test]
async fn a_browser_with_a_good_cookie_is_the_person_who_logged_in() {
    let world = World::start().await;
    assert_eq!(world.who("__Host-portcullis_session=pcs_ada").await.as_deref(), Some("ada"));
}

#[tokio::test]
async fn a_browser_without_a_good_cookie_is_nobody() {
    let world = World::start().await;
    for cookie in [
        "a=b",
        "__Host-portcullis_session=pcs_bob",
        "portcullis_session=pcs_ada",
        "__Host-portcullis_session=pcs_ada; __Host-portcullis_session=pcs_ada",
        &format!("__Host-portcullis_session={}", Digest::of("pcs_ada").to_hex()),
    ] {
        assert_eq!(world.who(cookie).await, None, "{cookie}");
    }
}

#[tokio::test]
async fn a_session_ends_with_its_time() {
    let world = World::start().await;
    world.clock.advance(Span::from_minutes(60));
    assert_eq!(world.who("__Host-portcullis_session=pcs_ada").await, None);
}

#[tokio::test]
async fn a_disabled_person_is_nobody_at_once() {
    let world = World::start().await;
    world.put_ada(true).await;
    assert_eq!(world.who("__Host-portcullis_session=pcs_ada").await, None);
}
