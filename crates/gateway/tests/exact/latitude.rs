//! What of an approved call may differ, and what may not.

use std::collections::BTreeSet;

use model::Latitude;
use privilege::{
    elevation::decide::Terms,
    latitude::{self, LatitudeWish, NoLatitude},
};

use super::*;

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn wanted(world: &World, id: &Id<Elevation>, wish: &LatitudeWish) -> Result<Latitude, Refused> {
    let elevation = world.store.elevation(id).await.unwrap().unwrap();
    latitude::of(&world.store, &elevation, wish).await
}

/// Bob approves, and lets this vary.
async fn let_vary(world: &World, id: &Id<Elevation>, wish: LatitudeWish) {
    let (latitude, uses) = (wanted(world, id, &wish).await.unwrap(), wish.uses);
    let (id, bob) = (id.clone(), Decider::signed_in("bob".parse().unwrap(), Arc::new(Policies::built_in())));
    world
        .store
        .write::<_, Refused, _>(move |tx| {
            Box::pin(async move {
                let terms = Terms { latitude: Some((latitude, uses)), ..Terms::default() };
                let (event, _) = approve(tx, &id, &bob, terms).await?;
                Ok(Commit::with(event.unwrap(), ()))
            })
        })
        .await
        .unwrap();
}

/// A refund of 500 is asked for.
async fn refund(world: &World) -> Id<Elevation> {
    let arguments = json!({"id": 7, "amount": 500, "note": "spill", "to": {"iban": "DE1"}});
    call(world, arguments).await.challenged("tickets.delete_ticket");
    requested(world).await
}

/// Spec: NIST SP 800-53 AC-3 (7)
#[tokio::test]
async fn what_the_approver_lets_differ_may_and_all_the_rest_is_as_it_was_approved() {
    let world = exact().await;
    let id = refund(&world).await;
    let wish = LatitudeWish { any: names(&["note"]), at_most: names(&["amount"]), uses: 8 };
    let_vary(&world, &id, wish).await;
    let approved = world.last("elevation_approved").await.unwrap();
    assert_eq!(
        (&approved["may_differ"], &approved["max_uses"]),
        (&json!({"any": ["note"], "at_most": ["amount"]}), &json!(8))
    );
    assert!(!approved.to_string().contains("500"), "no argument is in a record: {approved}");
    for arguments in [
        json!({"id": 7, "amount": 500, "note": "spill", "to": {"iban": "DE1"}}),
        json!({"id": 7, "amount": 499.99, "note": "another word", "to": {"iban": "DE1"}}),
        json!({"id": 7, "amount": 0, "to": {"iban": "DE1"}}),
        json!({"id": 7, "amount": 5e2, "note": {"deep": [1]}, "to": {"iban": "DE1"}}),
    ] {
        call(&world, arguments).await.answered();
    }
    let arrived = world.upstream.arrived().len();
    for arguments in [
        json!({"id": 7, "amount": 500.01, "note": "spill", "to": {"iban": "DE1"}}),
        json!({"id": 7, "amount": -1, "note": "spill", "to": {"iban": "DE1"}}),
        json!({"id": 7, "amount": "1", "note": "spill", "to": {"iban": "DE1"}}),
        json!({"id": 7, "amount": 0.00001, "note": "spill", "to": {"iban": "DE1"}}),
        json!({"id": 7, "amount": null, "note": "spill", "to": {"iban": "DE1"}}),
        json!({"id": 7, "note": "spill", "to": {"iban": "DE1"}}),
        json!({"id": 8, "amount": 5, "note": "spill", "to": {"iban": "DE1"}}),
        json!({"id": 7.5, "amount": 5, "note": "spill", "to": {"iban": "DE1"}}),
        json!({"id": 7, "amount": 5, "note": "spill", "to": {"iban": "DE2"}}),
        json!({"id": 7, "amount": 5, "note": "spill", "to": {"iban": "DE1"}, "all": true}),
        json!({"amount": 5, "note": "spill", "to": {"iban": "DE1"}}),
        json!({}),
    ] {
        let refused = call(&world, arguments.clone()).await;
        assert!(refused.status != 200 || refused.text().contains("isError"), "{arguments}: {}", refused.text());
    }
    assert_eq!(world.upstream.arrived().len(), arrived, "nothing of that was sent");
}

#[tokio::test]
async fn it_is_for_as_many_calls_as_the_approver_said_and_for_this_login_alone() {
    let world = exact().await;
    let id = refund(&world).await;
    let_vary(&world, &id, LatitudeWish { any: names(&["note"]), uses: 2, ..LatitudeWish::default() }).await;
    let arguments = |note: &str| json!({"id": 7, "amount": 500, "note": note, "to": {"iban": "DE1"}});
    let other = call_from(&world, "ins_other", arguments("a")).await;
    assert_ne!(other.status, 200, "{}", other.text());
    call(&world, arguments("b")).await.answered();
    call(&world, arguments("c")).await.answered();
    call(&world, arguments("d")).await.challenged("tickets.delete_ticket");
}

#[tokio::test]
async fn what_can_not_vary_is_named() {
    let world = exact().await;
    let id = refund(&world).await;
    let wish = |any: &[&str], at_most: &[&str], uses| LatitudeWish { any: names(any), at_most: names(at_most), uses };
    for (wish, why) in [
        (wish(&["nothing"], &[], 1), NoLatitude::NoArgument("nothing".into())),
        (wish(&["to.iban"], &[], 1), NoLatitude::NoArgument("to.iban".into())),
        (wish(&[], &["note"], 1), NoLatitude::NoNumber("note".into())),
        (wish(&[], &["to"], 1), NoLatitude::NoNumber("to".into())),
        (wish(&["amount"], &["amount"], 1), NoLatitude::Twice("amount".into())),
        (wish(&["note"], &[], 0), NoLatitude::Uses(0)),
        (wish(&["note"], &[], 21), NoLatitude::Uses(21)),
    ] {
        let refused = wanted(&world, &id, &wish).await;
        assert!(matches!(&refused, Err(Refused::NoLatitude(is)) if *is == why), "{why:?}: {refused:?}");
    }
    world.elevate("elv_any", "tickets.delete_ticket", StepUp::Approval, 3).await;
    let any = wanted(&world, &"elv_any".parse().unwrap(), &wish(&["note"], &[], 1)).await;
    assert!(matches!(any, Err(Refused::NoLatitude(NoLatitude::NotExact))), "{any:?}");
}
