use model::{ElevationState, StepUp};

use crate::world::*;

const HIGH: &str = "tickets:low tickets.delete_ticket";

/// Spec: MCP 2026-07-28 basic/authorization (step-up)
#[tokio::test]
async fn consent_to_medium_is_an_elevation_at_once_with_an_end() {
    let world = World::start().await;
    let code = world.browser().code(&link("tickets:medium", &[])).await;
    let elevation = world.elevation("tickets:medium").await;
    assert_eq!((elevation.state(), elevation.by, elevation.max_uses), (ElevationState::Active, StepUp::Consent, 20));
    assert_eq!(elevation.decided().map(|decided| decided.by.as_str()), Some("ada"));
    let token = world.redeem(&code).await.granted();
    assert_eq!(token["scope"], "tickets:low tickets:medium");
    assert_eq!(world.only_grant().await.scopes.to_string(), "tickets:low");
}

#[tokio::test]
async fn a_live_medium_elevation_is_used_again_instead_of_stacked() {
    let world = World::start().await;
    world.browser().code(&link("tickets:medium", &[])).await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link("tickets:medium", &[])).await;
    page.page(200, "It holds already");
    browser.answer(&page, "allow", "").await.parameter("code");
    assert_eq!(world.elevations().await.len(), 1);
}

#[tokio::test]
async fn high_waits_for_another_person_and_then_continues_by_itself() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link(HIGH, &[])).await;
    let waiting = browser.answer(&page, "allow", "cleaning up duplicates").await;
    let place = waiting.location().to_owned();
    assert!(place.starts_with("/oauth/wait?flow="), "{place}");
    let shown = browser.get(&place).await;
    shown.page(200, "cleaning up duplicates");
    assert_eq!(shown.headers["refresh"], "2");
    let elevation = world.elevation("tickets.delete_ticket").await;
    assert_eq!((elevation.state(), elevation.by, elevation.max_uses), (ElevationState::Requested, StepUp::Approval, 1));
    world.approve(&elevation.id).await;
    let back = browser.get(&place).await;
    let token = world.redeem(&back.parameter("code")).await.granted();
    assert_eq!(token["scope"], "tickets:low tickets.delete_ticket");
    assert_eq!(token["expires_in"], 300, "no longer than the elevation");
    browser.get(&place).await.page(410, "no longer good");
}

#[tokio::test]
async fn high_needs_a_reason() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link(HIGH, &[])).await;
    let again = browser.answer(&page, "allow", " \u{200b} ").await;
    again.page(200, "why this is needed");
    assert!(browser.answer(&again, "allow", "tidying").await.location().starts_with("/oauth/wait"));
}

#[tokio::test]
async fn a_denied_first_request_still_gives_the_baseline_that_was_consented_to() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link(HIGH, &[])).await;
    let place = browser.answer(&page, "allow", "tidying").await.location().to_owned();
    world.deny(&world.elevation("tickets.delete_ticket").await.id).await;
    let code = browser.get(&place).await.parameter("code");
    assert_eq!(world.redeem(&code).await.granted()["scope"], "tickets:low");
}

#[tokio::test]
async fn a_denied_or_lapsed_step_up_is_access_denied_and_names_the_elevation() {
    let world = World::start().await;
    let mut browser = world.browser();
    browser.code(&link("tickets:low", &[])).await;
    for deny in [true, false] {
        world.advance(15 * 60);
        let page = browser.get(&link(HIGH, &[])).await;
        let place = browser.answer(&page, "allow", "tidying").await.location().to_owned();
        let elevation = world.elevation("tickets.delete_ticket").await;
        if deny {
            world.deny(&elevation.id).await
        } else {
            world.advance(15 * 60)
        }
        let back = browser.get(&place).await;
        back.sent_back("access_denied");
        assert!(back.parameter("error_description").contains(elevation.id.as_str()));
    }
}

#[tokio::test]
async fn a_person_may_go_on_without_the_approval() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link(HIGH, &[])).await;
    let place = browser.answer(&page, "allow", "tidying").await.location().to_owned();
    let shown = browser.get(&place).await;
    let (csrf, flow) = (shown.field("csrf"), shown.field("flow"));
    let back = browser.post("/oauth/wait", &[("csrf", &csrf), ("flow", &flow)]).await;
    assert_eq!(world.redeem(&back.parameter("code")).await.granted()["scope"], "tickets:low");
    assert!(world.elevation("tickets.delete_ticket").await.is_pending(world.store.now()));
}

/// Spec: RFC 9700 §4.7
#[tokio::test]
async fn nobody_else_can_wait_in_somebodys_place() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link(HIGH, &[])).await;
    let place = browser.answer(&page, "allow", "tidying").await.location().to_owned();
    let mut bob = world.signed_in("bob").await;
    bob.get(&place).await.page(410, "no longer good");
    assert!(world.get(&place).await.location().starts_with("/login"));
}

#[tokio::test]
async fn the_same_request_is_merged_and_too_many_are_refused() {
    let world = World::with(|config| config["elevation"] = serde_json::json!({"pending_per_agent": 1})).await;
    let mut browser = world.signed_in("ada").await;
    for _ in 0..2 {
        let page = browser.get(&link(HIGH, &[])).await;
        assert!(browser.answer(&page, "allow", "tidying").await.location().starts_with("/oauth/wait"));
    }
    assert_eq!(world.store.count_pending(world.store.now()).await.unwrap(), 1);
    let page = browser.get(&link("tickets.export_all", &[])).await;
    browser.answer(&page, "allow", "tidying").await.sent_back("access_denied");
    assert_eq!(world.last_record().await["cause"], "too_many_pending");
}

#[tokio::test]
async fn what_was_denied_is_not_asked_again_soon_even_under_another_grant() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link(HIGH, &[])).await;
    browser.answer(&page, "allow", "tidying").await;
    let elevation = world.elevation("tickets.delete_ticket").await;
    world.deny(&elevation.id).await;
    let again = browser.get(&link(HIGH, &[])).await;
    let back = browser.answer(&again, "allow", "tidying").await;
    back.sent_back("access_denied");
    assert!(back.parameter("error_description").contains(elevation.id.as_str()));
    assert_eq!(world.last_record().await["elevation"], elevation.id.as_str());
    world.end_grant(&world.only_grant().await.id).await;
    let page = browser.get(&link(HIGH, &[])).await;
    let code = browser.answer(&page, "allow", "tidying").await.parameter("code");
    assert_eq!(world.redeem(&code).await.granted()["scope"], "tickets:low");
    assert_eq!(world.store.count_pending(world.store.now()).await.unwrap(), 0);
}

/// Spec: RFC 6749 §6
/// Field: A3
#[tokio::test]
async fn a_refresh_never_carries_what_was_elevated() {
    let world = World::start().await;
    let code = world.browser().code(&link("tickets:medium", &[])).await;
    let first = world.redeem(&code).await.granted();
    let second = world.refresh(first["refresh_token"].as_str().unwrap()).await.granted();
    assert_eq!(second["scope"], "tickets:low");
    let wide = [
        ("grant_type", "refresh_token"),
        ("client_id", "desk"),
        ("scope", "tickets:medium"),
        ("refresh_token", second["refresh_token"].as_str().unwrap()),
    ];
    assert_eq!(world.token(&wide).await.granted()["scope"], "tickets:low", "what is left of it");
}

#[tokio::test]
async fn an_elevation_that_ended_before_the_code_was_redeemed_is_not_in_the_token() {
    let world = World::with(|config| config["elevation"] = serde_json::json!({"consent_lasts": 10})).await;
    let code = world.browser().code(&link("tickets:medium", &[])).await;
    world.advance(11);
    assert_eq!(world.redeem(&code).await.granted()["scope"], "tickets:low");
}
