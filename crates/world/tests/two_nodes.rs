//! Two processes, one installation: what one decides, the other knows.

use portcullis_world::{World, WorldConfig, on_postgres};
use serde_json::json;

#[tokio::test]
async fn two_processes_on_one_sqlite_database() {
    two_nodes(WorldConfig::default()).await;
}

#[tokio::test]
async fn two_processes_on_one_postgresql_database() {
    on_postgres("world", two_nodes).await;
}

async fn two_nodes(config: WorldConfig) {
    let world = World::start_with(config).await;
    let node = world.another_node().await;
    let token = world.agent_token("tickets").await.expect("a token");
    let (here, there) = (world.raw("tickets", &token), node.raw("tickets", &token));

    // A token of one node is good at the other.
    assert_eq!(there.call("get_ticket", json!({"id": "T-1041"})).await.status, 200);

    // An approval is good for one call, wherever it is made, even at the same time.
    assert_eq!(there.call("delete_ticket", json!({"id": "T-1041"})).await.status, 403);
    let pending = world.agent_asks("tickets", "tickets.delete_ticket").await.expect("an answer");
    let elevation = pending["elevation_id"].as_str().expect("an elevation to approve");
    world.run(&["elevation", "approve", elevation, "--as", "bob"]).await.succeeded();
    let (one, other) = tokio::join!(
        here.call("delete_ticket", json!({"id": "T-1041"})),
        there.call("delete_ticket", json!({"id": "T-1041"})),
    );
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 403], "{one:?} {other:?}");

    // `revoke` returns when both refuse.
    world.run(&["revoke", "agent", "nightly", "--reason", "its work is done"]).await.succeeded();
    assert_eq!(there.call("get_ticket", json!({"id": "T-1043"})).await.status, 401);
    assert_eq!(here.call("get_ticket", json!({"id": "T-1043"})).await.status, 401);
    world.run(&["audit", "verify"]).await.succeeded();
}
