//! Approving in the name of another person, on pages.
#![allow(clippy::unwrap_used)]

#[path = "support/browser.rs"]
mod browser;
#[path = "../../governance/tests/support/mod.rs"]
mod support;

use model::{ElevationState, Span};
use support::Installation;

/// Field: V13
#[tokio::test]
async fn an_approver_hands_it_over_and_who_decides_finds_it_on_their_own_page() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_nightly", "tickets.delete_ticket").await;
    let (bob, eve) = (world.browser("bob").await, world.browser("eve").await);
    assert_eq!(eve.get("/console/approvals/elv_1").await.status, 403);
    assert!(!eve.get("/me").await.html.contains("elv_1"));

    assert_eq!(bob.post("/me/duty", "to=eve&minutes=480&server=tickets").await.location, "/me/duty");
    assert_eq!(bob.post("/me/duty", "to=eve&minutes=480&server=tickets").await.location, "/me/duty", "clicked twice");
    assert_eq!(world.store.duties_from(&"bob".parse().unwrap()).await.unwrap().len(), 1);
    for (browser, parts) in [(&bob, ["<strong>eve</strong>", "in 8 h"]), (&eve, ["<strong>bob</strong>", "tickets"])] {
        let html = browser.get("/me/duty").await.html;
        assert!(parts.iter().all(|part| html.contains(part)), "{html}");
    }

    let html = eve.get("/me").await.html;
    assert!(html.contains("in the name of others") && html.contains("/console/approvals/elv_1"), "{html}");
    let card = eve.get("/console/approvals/elv_1").await;
    assert!(card.html.contains("You decide in the name of <strong>bob</strong>"), "{}", card.html);
    assert_eq!(eve.post("/console/approvals/elv_1", "decision=approve").await.status, 303);
    assert_eq!(world.state_of(&id).await, ElevationState::Active);
    assert!(!eve.get("/me").await.html.contains("in the name of others"));
}

#[tokio::test]
async fn either_of_the_two_ends_it_and_nobody_else() {
    for (who, status) in [("bob", 303), ("eve", 303), ("dan", 303), ("ada", 403), ("carol", 403)] {
        let world = Installation::start().await;
        world.browser("bob").await.post("/me/duty", "to=eve&minutes=60").await;
        let duty = world.store.duties_to(&"eve".parse().unwrap()).await.unwrap().remove(0);
        let browser = world.browser(who).await;
        assert_eq!(browser.post(&format!("/me/duty/{}/end", duty.id), "").await.status, status, "{who}");
        let is_over = world.store.duty(&duty.id).await.unwrap().unwrap().is_over(world.now());
        assert_eq!(is_over, status == 303, "{who}");
    }
}

#[tokio::test]
async fn who_is_no_approver_or_did_not_just_log_in_hands_nothing_over() {
    let world = Installation::start().await;
    let (bob, eve) = (world.browser("bob").await, world.browser("eve").await);
    assert_eq!(eve.post("/me/duty", "to=bob&minutes=60").await.status, 403);
    for (form, status) in [
        ("to=bob&minutes=60", 400),
        ("to=nobody&minutes=60", 403),
        ("to=eve&minutes=0", 400),
        ("to=eve&minutes=43201", 400),
        ("to=eve", 400),
        ("to=eve&minutes=60&server=none", 404),
        ("to=&minutes=60", 404),
    ] {
        assert_eq!(bob.post("/me/duty", form).await.status, status, "{form}");
    }
    assert_eq!(bob.post_from("/me/duty", "csrf=x&to=eve&minutes=60", Some("https://gw.test")).await.status, 403);
    world.clock.advance(Span::from_minutes(16));
    assert!(bob.post("/me/duty", "to=eve&minutes=60").await.location.starts_with("/login"));
    assert!(world.store.duties_from(&"bob".parse().unwrap()).await.unwrap().is_empty());
}
