//! A request that takes several people, on pages: how far it is, for whom, and one decision each.
#![allow(clippy::unwrap_used)]

#[path = "support/browser.rs"]
mod browser;
#[path = "../../governance/tests/support/mod.rs"]
mod support;

use model::{ElevationState, Quorum};
use serde_json::json;
use store::{Commit, StoreError, privilege::PrivilegeTx};
use support::Installation;

/// A request of the nightly agent that takes two people.
async fn world() -> Installation {
    let world = Installation::start().await;
    world.person("fay", json!(["approver"]), false).await;
    let id = world.request("elv_1", "grt_nightly", "tickets.delete_ticket").await;
    world
        .store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                PrivilegeTx::of(tx).put_quorum(&id, &Quorum::of(2)).await?;
                Ok(Commit::with(model::event::examples::any(), ()))
            })
        })
        .await
        .unwrap();
    world
}

/// Field: V11
#[tokio::test]
async fn the_card_and_the_lists_say_how_many_have_approved_and_who() {
    let world = world().await;
    let (bob, fay, ada) = (world.browser("bob").await, world.browser("fay").await, world.browser("ada").await);
    let page = "/console/approvals/elv_1";
    assert!(fay.get(page).await.html.contains("0 of 2"));
    assert_eq!(bob.post(page, "decision=approve").await.location, page);
    assert_eq!(bob.post(page, "decision=approve").await.location, page, "clicked twice");
    for (browser, path) in [(&fay, page), (&bob, page), (&fay, "/console"), (&ada, "/me")] {
        let html = browser.get(path).await.html;
        assert!(html.contains("1 of 2, bob"), "{path}: {html}");
    }
    let mine = bob.get(page).await.html;
    assert!(!mine.contains(r#"value="approve""#) && mine.contains("You have approved it"), "{mine}");
    assert!(mine.contains(r#"value="deny""#), "who approved may still say no: {mine}");
    assert!(fay.get(page).await.html.contains(r#"value="approve""#));
    assert_eq!(world.state_of(&"elv_1".parse().unwrap()).await, ElevationState::Requested);

    assert_eq!(fay.post(page, "decision=approve").await.location, page);
    assert_eq!(world.state_of(&"elv_1".parse().unwrap()).await, ElevationState::Active);
    let html = fay.get("/console").await.html;
    assert!(html.contains("bob, fay"), "{html}");
    for browser in [&bob, &fay] {
        assert_eq!(browser.post(page, "decision=approve").await.location, page, "late, and so");
    }
    assert_eq!(world.browser("dan").await.post(page, "decision=approve").await.status, 409);
}

#[tokio::test]
async fn the_second_is_offered_no_longer_time_than_the_first_gave() {
    let world = world().await;
    let page = "/console/approvals/elv_1";
    world.browser("bob").await.post(page, "decision=approve&lasts=120").await;
    let html = world.browser("fay").await.get(page).await.html;
    assert!(html.contains(r#"<option value="120">"#) && !html.contains(r#"<option value="300">"#), "{html}");
}

/// The request of [`world`], for which whoever approves types the number that whoever asked sees.
async fn numbered() -> (Installation, String) {
    let world = world().await;
    let id: model::Id<model::Elevation> = "elv_1".parse().unwrap();
    let quorum = Quorum { wrong_numbers: Some(0), ..Quorum::of(1) };
    world
        .store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                PrivilegeTx::of(tx).put_quorum(&id, &quorum).await?;
                Ok(Commit::with(model::event::examples::any(), ()))
            })
        })
        .await
        .unwrap();
    let asked = world.store.elevation(&"elv_1".parse().unwrap()).await.unwrap().unwrap();
    let number = world.store.matching_number(&asked).unwrap().to_string();
    (world, number)
}

/// Field: V14
#[tokio::test]
async fn who_asked_sees_the_number_and_who_approves_has_to_type_it() {
    let (world, number) = numbered().await;
    let page = "/console/approvals/elv_1";
    let shown = format!("<strong>{number}</strong>");
    let (ada, bob) = (world.browser("ada").await, world.browser("bob").await);
    for path in ["/me", page] {
        let html = ada.get(path).await.html;
        assert!(html.contains(&shown), "{path}: {html}");
    }
    for (name, path) in [("bob", page), ("bob", "/console"), ("carol", page), ("carol", "/console"), ("dan", page)] {
        let html = world.browser(name).await.get(path).await.html;
        assert!(!html.contains(&shown), "{name} at {path}");
    }
    let html = bob.get(page).await.html;
    assert!(html.contains(r#"name="number""#), "{html}");
    let inbox = bob.get("/console").await.html;
    assert!(inbox.contains("See it and decide") && !inbox.contains(r#"value="approve""#), "{inbox}");
    assert_eq!(bob.post(page, "decision=approve").await.status, 400);
    assert_eq!(bob.post(page, "decision=approve&number=").await.status, 400);
    assert_eq!(bob.post(page, "decision=approve&number=abc").await.status, 400);
    assert_eq!(bob.post(page, &format!("decision=approve&number=1{number}")).await.status, 400);
    assert_eq!(world.state_of(&"elv_1".parse().unwrap()).await, ElevationState::Requested);
    assert_eq!(bob.post(page, &format!("decision=approve&number={number}")).await.location, page);
    assert_eq!(world.state_of(&"elv_1".parse().unwrap()).await, ElevationState::Active);
    assert!(!ada.get(page).await.html.contains(&shown), "it was decided");
}
