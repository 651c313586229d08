//! An autonomous agent: a key instead of a person, the same challenge, approval and end.

use portcullis_world::World;
use serde_json::json;

/// Spec: RFC 6749 §4.4, RFC 7523 §3
#[tokio::test]
async fn it_meets_the_same_challenge_approval_and_end() {
    let world = World::start().await;
    let baseline = world.agent_token("tickets").await.unwrap();
    let agent = world.raw("tickets", &baseline);
    assert_eq!(agent.call("get_ticket", json!({"id": "T-1041"})).await.status, 200);

    // The challenge names what is missing and where to learn more.
    let refused = agent.call("delete_ticket", json!({"id": "T-1041"})).await;
    assert_eq!(refused.status, 403);
    let challenge = refused.challenge.unwrap();
    assert!(challenge.contains(r#"error="insufficient_scope""#), "{challenge}");
    assert!(challenge.contains("tickets.delete_ticket"), "{challenge}");
    assert!(challenge.contains("/.well-known/oauth-protected-resource/mcp/tickets"), "{challenge}");

    // It asks at the token endpoint, and waits.
    let scope = "tickets:low tickets.delete_ticket";
    let pending = world.agent_asks("tickets", scope).await.unwrap();
    assert_eq!(pending["error"], "authorization_pending", "{pending}");
    let elevation = pending["elevation_id"].as_str().unwrap();

    // Its owner has no role to decide, and would not be allowed to either.
    let owner = world.run(&["elevation", "approve", elevation, "--as", "ada"]).await;
    assert!(!owner.status.success(), "{owner:?}");
    assert_eq!(world.agent_asks("tickets", scope).await.unwrap()["error"], "authorization_pending");

    world.run(&["elevation", "approve", elevation, "--as", "bob"]).await.succeeded();
    let granted = world.agent_asks("tickets", scope).await.unwrap();
    let elevated = world.raw("tickets", granted["access_token"].as_str().unwrap());
    // What was approved is that call, and no other one.
    let other = elevated.call("delete_ticket", json!({"id": "T-1042"})).await;
    assert!(other.status == 403 && other.body.contains("not the ones that were approved"), "{}", other.body);
    assert_eq!(elevated.call("delete_ticket", json!({"id": "T-1041"})).await.status, 200);

    // One approval, one call, even with a token that still names the scope.
    assert_eq!(elevated.call("delete_ticket", json!({"id": "T-1041"})).await.status, 403);
    assert_eq!(agent.call("get_ticket", json!({"id": "T-1042"})).await.status, 200);
}

#[tokio::test]
async fn a_denied_request_is_denied_to_the_agent_too() {
    let world = World::start().await;
    let nothing = world.agent_asks("tickets", "tickets.delete_ticket").await.unwrap();
    assert_eq!(nothing["error"], "invalid_scope", "it calls first: {nothing}");
    let agent = world.raw("tickets", &world.agent_token("tickets").await.unwrap());
    assert_eq!(agent.call("delete_ticket", json!({"id": "T-1041"})).await.status, 403);
    let pending = world.agent_asks("tickets", "tickets.delete_ticket").await.unwrap();
    let elevation = pending["elevation_id"].as_str().unwrap();
    world.run(&["elevation", "deny", elevation, "--as", "bob"]).await.succeeded();
    let denied = world.agent_asks("tickets", "tickets.delete_ticket").await.unwrap();
    assert_eq!(denied["error"], "access_denied", "{denied}");
}

#[tokio::test]
async fn a_revoked_agent_is_out_at_the_next_call() {
    let world = World::start().await;
    let agent = world.raw("tickets", &world.agent_token("tickets").await.unwrap());
    assert_eq!(agent.call("get_ticket", json!({"id": "T-1041"})).await.status, 200);

    world.run(&["revoke", "agent", "nightly", "--reason", "seen acting strangely"]).await.succeeded();

    assert_eq!(agent.call("get_ticket", json!({"id": "T-1041"})).await.status, 401);
    assert!(world.agent_token("tickets").await.is_err());
    world.run(&["audit", "verify"]).await.succeeded();
}

/// A held tool is not there: no scope can be asked for it, and calling it fails without a challenge.
#[tokio::test]
async fn a_tool_nobody_looked_at_cannot_be_reached() {
    let world = World::start().await;
    let agent = world.raw("tickets", &world.agent_token("tickets").await.unwrap());
    let refused = agent.call("export_customers", json!({})).await;
    assert_eq!(refused.challenge, None);
    assert!(!refused.body.contains("@"), "{}", refused.body);

    let asked = world.agent_asks("tickets", "tickets.export_customers").await.unwrap();
    assert_eq!(asked["error"], "invalid_scope", "{asked}");
}
