//! Killed at any instant, the product has lost nothing that it acknowledged.

use std::time::Duration;

use portcullis_world::{Raw, World};
use serde_json::json;

/// Instants after the calls began, in milliseconds.
const KILLS: [u64; 4] = [40, 150, 333, 700];
/// Callers at a time.
const CALLERS: usize = 4;

#[tokio::test]
async fn every_answered_call_is_in_the_log_after_a_kill() {
    let mut world = World::start().await;
    let mut answered = 0;
    for after in KILLS {
        let agent = world.raw("tickets", &world.agent_token("tickets").await.unwrap());
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..CALLERS {
            callers.spawn(calls_until_nobody_answers(agent.clone()));
        }
        tokio::time::sleep(Duration::from_millis(after)).await;
        world.kill_and_restart().await;
        answered += callers.join_all().await.into_iter().sum::<usize>();

        world.run(&["audit", "verify"]).await.succeeded();
        let log = world.run(&["audit", "tail", "--json", "--lines", "1000000"]).await.succeeded();
        let recorded = log.matches(r#""call_decided""#).count();
        assert!(recorded >= answered, "{answered} calls were answered, {recorded} are in the log");
    }
    assert!(answered > KILLS.len(), "hardly a call was answered: {answered}");
}

/// Field: N18
#[tokio::test]
async fn an_approval_and_a_revocation_outlive_a_kill() {
    let mut world = World::start().await;
    let scope = "tickets.delete_ticket";
    let agent = world.raw("tickets", &world.agent_token("tickets").await.unwrap());
    assert_eq!(agent.call("delete_ticket", json!({"id": "T-1041"})).await.status, 403);
    world.kill_and_restart().await;
    let pending = world.agent_asks("tickets", scope).await.unwrap();
    let elevation = pending["elevation_id"].as_str().unwrap();
    world.run(&["elevation", "approve", elevation, "--as", "bob"]).await.succeeded();
    world.kill_and_restart().await;

    let granted = world.agent_asks("tickets", scope).await.unwrap();
    let agent = world.raw("tickets", granted["access_token"].as_str().unwrap());
    assert_eq!(agent.call("delete_ticket", json!({"id": "T-1041"})).await.status, 200);

    world.run(&["revoke", "agent", "nightly", "--reason", "its work is done"]).await.succeeded();
    world.kill_and_restart().await;
    assert_eq!(agent.call("get_ticket", json!({"id": "T-1042"})).await.status, 401);
    assert!(world.agent_token("tickets").await.is_err());
}

async fn calls_until_nobody_answers(agent: Raw) -> usize {
    let mut answered = 0;
    let call = || json!({"name": "get_ticket", "arguments": {"id": "T-1041"}});
    while let Ok(response) = agent.try_open("tools/call", call()).await {
        let status = response.status().as_u16();
        if response.bytes().await.is_err() {
            break;
        }
        assert_eq!(status, 200);
        answered += 1;
    }
    answered
}
