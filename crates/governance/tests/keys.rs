//! A new key for access tokens.
#![allow(clippy::unwrap_used)]

mod support;

use model::Actor;
use portcullis_governance::orders::{newest_key, rotate_keys};
use privilege::{Refused, key::Urgency};
use support::Installation;

fn kids(world: &Installation) -> Vec<String> {
    let jwks = world.store.jwks(world.now());
    jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// Field: A9
#[tokio::test]
async fn a_routine_rotation_publishes_first_and_ends_the_old_key_after_its_last_token() {
    let world = Installation::start().await;
    let old = kids(&world);
    let rotation = rotate_keys(&world.store, Urgency::Routine, &old[0], Actor::Operator).await.unwrap();
    assert_eq!(kids(&world), [rotation.kid.clone(), old[0].clone()]);
    assert!(rotation.signs_from > world.now() && rotation.old_gone_at > rotation.signs_from);
    let record = world.last_record().await;
    assert_eq!((record["event"].as_str(), record["key"].as_str()), (Some("key_made"), Some(rotation.kid.as_str())));
}

/// Field: A9
#[tokio::test]
async fn a_compromised_key_is_believed_by_nobody_from_that_moment() {
    let world = Installation::start().await;
    let epoch = world.store.epoch();
    let old = newest_key(&world.store).await.unwrap();
    let rotation = rotate_keys(&world.store, Urgency::Compromised, &old, Actor::Operator).await.unwrap();
    assert_eq!(kids(&world), [rotation.kid]);
    assert!(world.store.epoch() > epoch, "verdicts that rest on the old key are looked at again");
}

/// An order that got no answer is given again, and may have been carried out.
///
/// Field: N17
#[tokio::test]
async fn a_key_is_replaced_once_however_often_that_is_ordered() {
    let world = Installation::start().await;
    let old = newest_key(&world.store).await.unwrap();
    let rotated = async |urgency, replaces: &str| rotate_keys(&world.store, urgency, replaces, Actor::Operator).await;
    let first = rotated(Urgency::Routine, &old).await.unwrap();
    for urgency in [Urgency::Routine, Urgency::Compromised] {
        let again = rotated(urgency, &old).await.unwrap_err();
        assert!(matches!(&again, Refused::KeyReplaced { successor, .. } if *successor == first), "{again}");
    }
    assert_eq!(kids(&world).len(), 2, "no third one was made");
    assert_eq!(newest_key(&world.store).await.unwrap(), first.kid);
    let unknown = rotated(Urgency::Routine, "x").await.unwrap_err();
    assert!(matches!(unknown, Refused::UnknownName { kind: "key", .. }), "{unknown}");
    rotated(Urgency::Compromised, &first.kid).await.unwrap();
}
