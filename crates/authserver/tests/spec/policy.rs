use net::FetchRules;
use serde_json::json;

use crate::world::*;

async fn under(policies: &str) -> World {
    World::of(|_| {}, FetchRules::default(), policies).await
}

/// Field: H10
#[tokio::test]
async fn what_policy_forbids_is_left_out_and_refused_when_it_was_all() {
    let world = under(
        r#"@id("no-deletes") forbid (principal, action in Action::"call", resource)
           when { resource.tier == Tier::"high" };"#,
    )
    .await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link("tickets:low tickets.delete_ticket", &[])).await;
    assert!(!page.body.contains("delete_ticket"));
    browser.get(&link("tickets.delete_ticket", &[])).await.sent_back("invalid_scope");
    assert_eq!(world.events(1).await, ["authorization_refused"]);
    assert_eq!(world.last_record().await["policies"], json!(["no-deletes"]));
    let refused = world.as_agent(&[("scope", "tickets.delete_ticket")]).await;
    refused.refused(400, "invalid_scope");
    let record = world.last_record().await;
    assert_eq!((&record["event"], &record["policies"]), (&json!("token_refused"), &json!(["no-deletes"])));
    assert!(world.elevations().await.is_empty());
}

#[tokio::test]
async fn an_agent_that_may_not_connect_gets_no_grant() {
    let world = under(r#"@id("nobody") forbid (principal, action == Action::"connect", resource);"#).await;
    let mut browser = world.signed_in("ada").await;
    browser.get(&link("tickets:low", &[])).await.sent_back("invalid_scope");
    world.as_agent(&[]).await.refused(400, "invalid_scope");
    assert!(world.grants().await.is_empty());
}

#[tokio::test]
async fn what_policy_gives_without_asking_needs_no_elevation() {
    let world = under(
        r#"@id("writes-are-fine") permit (principal, action in Action::"call", resource)
           when { resource.tier == Tier::"medium" };"#,
    )
    .await;
    let token = world.as_agent(&[("scope", "tickets:medium")]).await.granted();
    assert_eq!(token["scope"], "tickets:low tickets:medium");
    let code = world.browser().code(&link("tickets:medium", &[])).await;
    assert_eq!(world.redeem(&code).await.granted()["scope"], "tickets:low tickets:medium");
    assert!(world.elevations().await.is_empty());
}
