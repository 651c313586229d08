//! The kill switch: what it covers stops at the next call, and only a person brings it back.

use portcullis_world::World;
use serde_json::json;

#[tokio::test]
async fn everything_stops_and_comes_back() {
    let world = World::start().await;
    let agent = world.raw("tickets", &world.agent_token("tickets").await.unwrap());
    let call = || agent.call("get_ticket", json!({"id": "T-1041"}));
    assert_eq!(call().await.status, 200);

    world.run(&["revoke", "all", "--reason", "a key is on a train"]).await.succeeded();
    assert_ne!(call().await.status, 200);
    assert!(world.agent_token("tickets").await.is_err());

    // What was issued before stays dead; what is issued afterwards works.
    world.run(&["restore", "all", "--reason", "it was found"]).await.succeeded();
    assert_ne!(call().await.status, 200);
    let agent = world.raw("tickets", &token_once_the_second_is_over(&world).await);
    assert_eq!(agent.call("get_ticket", json!({"id": "T-1041"})).await.status, 200);
    world.run(&["audit", "verify"]).await.succeeded();
}

#[tokio::test]
async fn one_tool_stops_and_the_others_go_on() {
    let world = World::start().await;
    let agent = world.raw("tickets", &world.agent_token("tickets").await.unwrap());
    world.run(&["revoke", "tool", "tickets.get_ticket", "--reason", "it leaks"]).await.succeeded();

    assert!(!agent.call("get_ticket", json!({"id": "T-1041"})).await.body.contains("Logo"));
    let list = agent.call("list_tickets", json!({})).await;
    assert_eq!(list.status, 200);
    assert!(list.body.contains("T-1041"));
    let tools = agent.ask("tools/list", json!({})).await.body;
    assert!(!tools.contains("get_ticket\"") && tools.contains("list_tickets"), "{tools}");
}

/// Tokens count in whole seconds, and the second of a revocation belongs to what is dead.
async fn token_once_the_second_is_over(world: &World) -> String {
    for _ in 0..30 {
        if let Ok(token) = world.agent_token("tickets").await {
            return token;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("no token after everything was restored")
}
