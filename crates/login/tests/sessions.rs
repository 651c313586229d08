//! Who a browser is, from its cookie to the person.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use crypto::Digest;
use http::{HeaderMap, HeaderValue, header};
use model::{
    Clock, ManualClock, Person, Span, Timestamp,
    config::{PublicUrl, StoreUrl},
    event::examples,
};
use portcullis_login::{SignedIn, signed_in};
use store::{Commit, OpenOptions, Session, Store, StoreError, privilege::PrivilegeTx};
use web::{Browser, Cookies, Csrf};

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
        world.log_in("ada", "pcs_ada").await;
        world
    }

    async fn log_in(&self, name: &str, cookie: &str) {
        if name != "ada" {
            self.put(name, false).await;
        }
        let session = Session {
            digest: Digest::of(cookie),
            person: name.parse().unwrap(),
            logged_in_at: self.clock.now(),
            not_after: self.clock.now().after(Span::from_minutes(60)),
        };
        let event = examples::any();
        let begun = self.store.write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                tx.put_session(&session).await?;
                Ok(Commit::with(event, ()))
            })
        });
        begun.await.unwrap();
    }

    async fn put_ada(&self, disabled: bool) {
        self.put("ada", disabled).await;
    }

    async fn put(&self, name: &str, disabled: bool) {
        let person =
            Person { id: name.parse().unwrap(), display_name: name.into(), roles: Default::default(), disabled };
        let event = examples::any();
        let put = self.store.write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                PrivilegeTx::of(tx).put_person(&person, None).await?;
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

/// A neighbour on the host, or an older page of ours, put another cookie of the name beside it.
///
/// Field: P3
#[tokio::test]
async fn a_cookie_of_the_same_name_from_a_neighbour_locks_nobody_out() {
    let world = World::start().await;
    for line in [
        "__Host-portcullis_session=theirs; __Host-portcullis_session=pcs_ada",
        "__Host-portcullis_session=pcs_ada; __Host-portcullis_session=theirs",
        "__Host-portcullis_session=pcs_ada; __Host-portcullis_session=pcs_ada",
        "__Host-portcullis_session=; __Host-portcullis_session=\"x\"; __Host-portcullis_session=pcs_ada",
    ] {
        assert_eq!(world.who(line).await.as_deref(), Some("ada"), "{line}");
    }
}

/// Nobody can say which of them sits there, and the one must not act as the other.
///
/// Field: P3
#[tokio::test]
async fn good_cookies_of_two_people_are_nobodys() {
    let world = World::start().await;
    world.log_in("bob", "pcs_bob").await;
    world.log_in("ada", "pcs_ada_again").await;
    for line in [
        "__Host-portcullis_session=pcs_ada; __Host-portcullis_session=pcs_bob",
        "__Host-portcullis_session=pcs_bob; __Host-portcullis_session=x; __Host-portcullis_session=pcs_ada",
    ] {
        assert_eq!(world.who(line).await, None, "{line}");
    }
    let twice = "__Host-portcullis_session=pcs_ada; __Host-portcullis_session=pcs_ada_again";
    assert_eq!(world.who(twice).await.as_deref(), Some("ada"));
}

/// Spec: OpenID Connect Core 1.0 §3.1.2.1 (max_age)
#[test]
fn a_login_is_fresh_for_a_while_and_then_is_not() {
    let session = Session {
        digest: Digest::of("cookie"),
        person: "ada".parse().unwrap(),
        logged_in_at: Timestamp::from_seconds(1_000),
        not_after: Timestamp::from_seconds(9_000),
    };
    let person =
        Person { id: "ada".parse().unwrap(), display_name: "Ada".into(), roles: Default::default(), disabled: false };
    let browser =
        Browser::of(Cookies::for_url(&PublicUrl::try_from("https://gw.test".to_owned()).unwrap()), &HeaderMap::new());
    let person = SignedIn { session, person, browser, csrf: Csrf::of_cookie("cookie") };
    let at = Timestamp::from_seconds;
    assert!(person.fresh(at(1_899), Span::from_minutes(15)).is_ok());
    assert!(person.fresh(at(1_900), Span::from_minutes(15)).is_err());
}
