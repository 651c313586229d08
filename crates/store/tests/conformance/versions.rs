//! Versions of what decides are kept, and one of each kind is in force.

use model::{Version, VersionKind};
use store::{Commit, Store, StoreError, privilege::PrivilegeTx};

use crate::place::{Place, START, event};

on_both!(a_version_is_found_by_its_digest_or_the_beginning_of_it, the_version_that_was_loaded_last_is_in_force,);

async fn load(store: &Store, kind: VersionKind, digest: &str) {
    let version = Version { kind, digest: digest.into(), text: format!("text of {digest}"), loaded_at: START };
    let loaded = store.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            PrivilegeTx::of(tx).activate_version(&version).await?;
            Ok(Commit::with(event(), ()))
        })
    });
    loaded.await.unwrap();
}

async fn a_version_is_found_by_its_digest_or_the_beginning_of_it(place: &Place) {
    let store = place.open().await;
    for digest in ["aa11", "aa22", "bb11"] {
        load(&store, VersionKind::Policy, digest).await;
    }
    let found = async |digest: &str| {
        let versions = store.versions(VersionKind::Policy, digest).await.unwrap();
        versions.into_iter().map(|version| version.text).collect::<Vec<_>>()
    };
    assert_eq!(found("bb").await, ["text of bb11"]);
    assert_eq!(found("aa11").await, ["text of aa11"]);
    assert_eq!(found("aa").await.len(), 2);
    assert_eq!(found("").await.len(), 2, "never more than are needed to see that there are several");
    for nothing in ["aa111", "%", "_", "ä", "'; --", &"a".repeat(10_000)] {
        assert!(found(nothing).await.is_empty(), "{nothing}");
    }
    assert!(store.versions(VersionKind::Configuration, "aa11").await.unwrap().is_empty());
}

async fn the_version_that_was_loaded_last_is_in_force(place: &Place) {
    let store = place.open().await;
    assert_eq!(store.active_version(VersionKind::Policy).await.unwrap(), None);
    for digest in ["one", "two", "one"] {
        load(&store, VersionKind::Policy, digest).await;
        assert_eq!(store.active_version(VersionKind::Policy).await.unwrap().as_deref(), Some(digest));
    }
    load(&store, VersionKind::Configuration, "three").await;
    assert_eq!(store.active_version(VersionKind::Policy).await.unwrap().as_deref(), Some("one"));
    assert_eq!(store.versions(VersionKind::Policy, "one").await.unwrap().len(), 1, "kept once");
}
