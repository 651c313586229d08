//! Less is given where less can be had; nothing is refused for what came with it.

use net::FetchRules;

use crate::world::*;

/// Spec: RFC 6749 §3.3; OpenID Connect Core §5.4
/// Field: A4
#[tokio::test]
async fn what_is_no_scope_here_is_left_out_and_the_answer_says_what_is_given() {
    let world = World::start().await;
    for scope in [
        "openid email",
        "openid profile email address phone offline_access",
        "tickets:low openid email",
        "tickets:low admin",
        "tickets:low tickets:*",
        "mcp:tools tickets:low read write",
        "tickets:low files:low",
        "tickets:low nothing:low nothing.at_all",
        "tickets:low tickets.drop_table",
        "tickets:low tickets.get_ticket",
        "tickets.create_ticket tickets:low",
        "  tickets:low   tickets:low ",
    ] {
        let code = world.browser().code(&link(scope, &[])).await;
        assert_eq!(world.redeem(&code).await.granted()["scope"], "tickets:low", "{scope:?}");
    }
}

/// Field: A4
#[tokio::test]
async fn when_nothing_is_left_the_request_is_refused_with_the_reason() {
    let world = World::start().await;
    let mut browser = world.signed_in("ada").await;
    for (scope, why) in [
        ("admin", "not a scope here"),
        ("openid admin", "not a scope here"),
        ("files:low", "another server"),
        ("tickets.drop_table", "waits for an operator"),
        ("tickets.get_ticket", "ask for `tickets:low`"),
        ("tickets.get_ticket tickets.drop_table", "waits for an operator"),
    ] {
        let back = browser.get(&link(scope, &[])).await;
        back.sent_back("invalid_scope");
        assert!(back.parameter("error_description").contains(why), "{}", back.parameter("error_description"));
    }
}

/// Clients ask for the union of all they ever held, and what they held moves to other tiers.
///
/// Field: A4
#[tokio::test]
async fn of_a_union_the_consent_shows_what_can_be_had() {
    let world = World::start().await;
    let union =
        "openid tickets:low tickets:medium tickets.delete_ticket tickets.get_ticket tickets.drop_table files:low";
    let page = world.browser().consent_page(&link(union, &[])).await;
    for shown in ["tickets:low", "tickets:medium", "tickets.delete_ticket"] {
        assert!(page.body.contains(shown), "{shown}");
    }
    for absent in ["tickets.get_ticket", "drop_table", "files:low"] {
        assert!(!page.body.contains(absent), "{absent}");
    }
}

/// Field: A4
#[tokio::test]
async fn more_scopes_than_anybody_needs_are_cut_and_not_refused() {
    let world = World::start().await;
    let many: Vec<String> = (0..70).map(|n| format!("tickets.delete_{n}")).collect();
    let page = world.browser().consent_page(&link(&format!("tickets:low {}", many.join(" ")), &[])).await;
    assert!(page.body.contains("tickets.delete_0") && !page.body.contains("tickets.delete_69"));
}

/// Field: A4
#[tokio::test]
async fn client_credentials_get_what_can_be_had() {
    let world = World::start().await;
    for scope in ["openid", "tickets:low admin files:low tickets.get_ticket", "tickets:low tickets.drop_table"] {
        assert_eq!(world.as_agent(&[("scope", scope)]).await.granted()["scope"], "tickets:low", "{scope}");
    }
    for scope in ["admin", "files:low", "tickets.get_ticket", "tickets.drop_table"] {
        world.as_agent(&[("scope", scope)]).await.refused(400, "invalid_scope");
    }
}

/// A client that says again at each refresh what its token response said.
///
/// Spec: RFC 6749 §6
/// Field: A3
#[tokio::test]
async fn a_refresh_with_the_scope_of_an_elevated_token_gives_the_baseline() {
    let world = World::start().await;
    let code = world.browser().code(&link("tickets:medium", &[])).await;
    let mut token = world.redeem(&code).await.granted();
    let named = token["scope"].as_str().unwrap().to_owned();
    assert_eq!(named, "tickets:low tickets:medium");
    for scope in [named.as_str(), "openid tickets:low", "tickets:medium", "offline_access", "tickets:low gone:low", ""]
    {
        let request = refresh_request("desk", &refresh_of(&token), &[("scope", scope)]);
        token = world.send(request).await.granted();
        assert_eq!(token["scope"], "tickets:low", "{scope}");
    }
}

/// Spec: RFC 6749 §6
/// Field: A3
#[tokio::test]
async fn a_refresh_that_leaves_nothing_is_refused_and_uses_nothing_up() {
    let world = World::start().await;
    let token = world.logged_in().await;
    for scope in ["tickets.delete_ticket", "admin", "files:low"] {
        let request = refresh_request("desk", &refresh_of(&token), &[("scope", scope)]);
        world.send(request).await.refused(400, "invalid_scope");
    }
    world.refresh(&refresh_of(&token)).await.granted();
    assert!(!world.log().await.contains("refresh_reused"));
}

/// Policy that is switched off is asked at each issue, not only at the consent.
///
/// Field: A4
#[tokio::test]
async fn policy_is_asked_again_at_authorize_code_and_refresh() {
    let world = World::start().await;
    let code = world.browser().code(&link("tickets:low", &[])).await;
    let token = world.logged_in().await;
    let used = refresh_of(&token);
    let newest = refresh_of(&world.refresh(&used).await.granted());
    let nobody = r#"@id("nobody") forbid (principal, action == Action::"connect", resource);"#;
    let closed = world.under(nobody, FetchRules::default()).await;
    for request in [refresh_request("desk", &newest, &[]), refresh_request("desk", &used, &[])] {
        closed.send(request).await.refused(400, "invalid_scope");
    }
    let fields =
        [("grant_type", "authorization_code"), ("client_id", "desk"), ("code", &code), ("code_verifier", VERIFIER)];
    let redeem = post("/oauth/token").body(axum::body::Body::from(encode(&fields))).unwrap();
    closed.send(redeem).await.refused(400, "invalid_scope");
    assert!(!world.is_ended(&token).await);
    closed.store.close().await;
    world.refresh(&newest).await.granted();
    world.redeem(&code).await.granted();
}
