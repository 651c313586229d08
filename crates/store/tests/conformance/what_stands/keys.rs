//! Which keys are believed, and until when, is what the log says.

use model::{Actor, Span, Timestamp, event::KeyMade};
use store::{Commit, Contradiction, OpenError, Store, StoreError, privilege::PrivilegeTx};

use super::{change, differs, found, lived};
use crate::place::Place;

on_both!(
    a_key_that_is_believed_for_longer_or_from_earlier_is_found,
    a_key_that_nobody_made_or_that_is_gone_is_found,
    a_key_under_the_name_of_another_is_no_key,
);

/// A new key that signs from then on, and an end for the others; written down as the product does.
pub(super) async fn rotate(store: &Store, signs_from: Timestamp, old_gone_at: Timestamp) -> String {
    let key = store.new_access_key();
    let kid = key.kid.clone();
    change!(store, tx => {
        PrivilegeTx::of(tx).put_access_key(&key, signs_from).await?;
        PrivilegeTx::of(tx).retire_access_keys(&key, old_gone_at).await?;
        let made = KeyMade {
            key: key.kid.clone(),
            purpose: "access",
            signs_from: Some(signs_from.into()),
            old_gone_at: Some(old_gone_at.into()),
            retired: None,
        };
        [made.by(Actor::Operator)]
    });
    kid
}

async fn first_kid(store: &Store) -> String {
    store.access_keys().await.unwrap().pop().unwrap().kid
}

/// Field: S13
async fn a_key_that_is_believed_for_longer_or_from_earlier_is_found(place: &Place) {
    let store = place.open().await;
    lived(&store).await;
    let (old, now) = (first_kid(&store).await, store.now());
    let new = rotate(&store, now.after(Span::from_minutes(10)), now.after(Span::from_minutes(21))).await;
    assert_eq!(found(place).await, []);
    for (kid, column, field) in [
        (&old, "gone_at", "its end"),
        (&new, "signs_from", "when it begins to sign"),
        (&new, "made_at", "when it was made"),
    ] {
        let moved = |by: &str| format!("UPDATE signing_key SET {column} = {column} {by} WHERE name = '{kid}'");
        assert_eq!(
            differs(place, &moved("- 2000000"), &moved("+ 2000000")).await,
            (format!("access key {kid}"), field)
        );
    }
    let end = now.after(Span::from_minutes(21)).micros();
    let set = |end: &str| format!("UPDATE signing_key SET gone_at = {end} WHERE name = '{old}'");
    let woken = differs(place, &set("NULL"), &set(&end.to_string())).await;
    assert_eq!(woken, (format!("access key {old}"), "its end"));
}

/// Field: S13
async fn a_key_that_nobody_made_or_that_is_gone_is_found(place: &Place) {
    let store = place.open().await;
    lived(&store).await;
    let kid = first_kid(&store).await;
    place.tamper(&format!("UPDATE signing_key SET name = 'x' WHERE name = '{kid}'")).await;
    assert_eq!(
        found(place).await,
        [
            Contradiction::Unaccounted { what: "access key x".into() },
            Contradiction::Gone { what: format!("access key {kid}"), record: 1 },
        ]
    );
    place.tamper(&format!("UPDATE signing_key SET name = '{kid}' WHERE name = 'x'")).await;
    place.tamper("UPDATE signing_key SET name = 'other/audit' WHERE purpose = 'log'").await;
    assert_eq!(found(place).await, [Contradiction::Unaccounted { what: "log key other/audit".into() }]);
}

/// The seal is the same for all: a key that is over, under the name of the one that signs, would be believed again.
///
/// Field: S13
async fn a_key_under_the_name_of_another_is_no_key(place: &Place) {
    let store = place.open().await;
    let (old, now) = (first_kid(&store).await, store.now());
    let new = rotate(&store, now, now).await;
    store.close().await;
    place
        .tamper(&format!(
            "UPDATE signing_key SET sealed = (SELECT sealed FROM signing_key WHERE name = '{old}') WHERE name = '{new}'"
        ))
        .await;
    let refused = place.open_as(None).await;
    let Err(OpenError::Store(StoreError::Unreadable { why, .. })) = refused else { panic!("{refused:?}") };
    assert!(why.contains(&old) && why.contains(&new), "{why}");
}
