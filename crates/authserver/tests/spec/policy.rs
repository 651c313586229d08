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

/// Consent was given, a code and a refresh token are in hand, and then policy says no: nothing new comes of any of them, and
/// what was consented to is there again when policy says yes.
///
/// Spec: RFC 6749 §5.2
/// Field: A15
#[tokio::test]
async fn a_policy_on_issuing_that_is_switched_on_refuses_the_link_the_code_the_refresh_and_the_agent_itself() {
    let world = World::start().await;
    let token = world.redeem(&world.browser().code(&link("tickets:low", &[])).await).await.granted();
    let (refresh, code) = (refresh_of(&token), world.browser().code(&link("tickets:low", &[])).await);
    let none = r#"@id("none") forbid (principal, action == Action::"issue", resource == Server::"tickets");"#;
    let closed = world.under(none, FetchRules::default()).await;
    let fields =
        [("grant_type", "authorization_code"), ("client_id", "desk"), ("code", &code), ("code_verifier", VERIFIER)];
    let redeem = post("/oauth/token").body(axum::body::Body::from(encode(&fields))).unwrap();
    for request in [redeem, refresh_request("desk", &refresh, &[]), world.agent_request(&[])] {
        closed.send(request).await.refused(400, "invalid_scope");
        let record = world.last_record().await;
        assert_eq!((&record["event"], &record["policies"]), (&json!("token_refused"), &json!(["none"])), "{record}");
    }
    closed.store.close().await;
    world.refresh(&refresh).await.granted();
    world.redeem(&code).await.granted();
}

#[tokio::test]
async fn who_may_not_be_issued_anything_is_sent_back_before_a_person_is_asked() {
    let world = under(r#"@id("none") forbid (principal, action == Action::"issue", resource);"#).await;
    let mut browser = world.signed_in("ada").await;
    browser.get(&link("tickets:low", &[])).await.sent_back("invalid_scope");
    assert!(world.grants().await.is_empty());
}

/// What cannot be had is not asked for: neither of the person nor of an approver.
#[tokio::test]
async fn what_may_not_be_raised_is_left_out_of_the_consent_page_and_an_agent_alone_is_refused() {
    let world = under(
        r#"@id("nobody-higher") forbid (principal, action == Action::"elevate", resource)
           when { resource.tier == Tier::"high" };
           @id("not-by-oneself") forbid (principal, action == Action::"elevate", resource)
           when { context.authority == Authority::"consent" };"#,
    )
    .await;
    let page = world.browser().consent_page(&link("tickets:low tickets:medium tickets.delete_ticket", &[])).await;
    assert!(!page.body.contains("delete_ticket"), "{}", page.body);
    world.as_agent(&[("scope", "tickets.delete_ticket")]).await.refused(400, "invalid_scope");
    assert_eq!(world.last_record().await["policies"], json!(["nobody-higher"]));
    // Its person's own consent is not enough for the medium tier any more, and another person's approval is.
    world.as_agent(&[("scope", "tickets:medium")]).await.refused(400, "authorization_pending");
    assert_eq!(world.elevation("tickets:medium").await.by, model::StepUp::Approval);
}
