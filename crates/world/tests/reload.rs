//! A hangup reads the configuration again: as a whole, without a dropped call, or not at all.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

use std::{process::Command, time::Duration};

use portcullis_world::World;
use serde_json::json;

fn hangup(world: &World) {
    let sent = Command::new("kill").args(["-HUP", &world.portcullis.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Rewrites the file, hangs up, and waits until the log says what came of it.
async fn rewritten(world: &World, change: impl Fn(&str) -> String, event: &str) {
    let file = world.config_file();
    let text = std::fs::read_to_string(&file).unwrap();
    let before = world.portcullis.log().matches(event).count();
    std::fs::write(&file, change(&text)).unwrap();
    hangup(world);
    for _ in 0..200 {
        if world.portcullis.log().matches(event).count() > before {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no `{event}` in the log:\n{}", world.portcullis.log());
}

/// Field: O7
#[tokio::test]
async fn a_hangup_brings_the_new_file_into_force_and_a_broken_one_leaves_the_old() {
    let world = World::start().await;
    let token = world.agent_token("tickets").await.unwrap();
    let agent = world.raw("tickets", &token);
    let call = async || agent.call("get_ticket", json!({"id": "T-1041"})).await.status;
    assert_eq!(call().await, 200);

    let good = std::fs::read_to_string(world.config_file()).unwrap();
    rewritten(&world, |text| text.replace("get_ticket: low", "get_ticket: high"), "\"reloaded\"").await;
    assert_eq!(call().await, 403, "the same token, the new rule");

    // What does not parse, what only a start can change, and what names nobody: each leaves the last one in force.
    for broken in ["get_ticket: lowest", "get_ticket: low\n      get_ticket: [", "get_ticket: \"${env:NOT_SET_HERE}\""]
    {
        rewritten(&world, |_| good.replace("get_ticket: low", broken), "reload_refused").await;
        assert_eq!(call().await, 403, "{broken}");
    }
    rewritten(&world, |_| good.replace("data_dir: ", "data_dir: /elsewhere"), "reload_refused").await;
    assert!(world.portcullis.log().contains("data_dir"), "it says what needs a restart");

    rewritten(&world, |_| good.clone(), "\"reloaded\"").await;
    assert_eq!(call().await, 200);
    let log = world.run(&["audit", "tail", "-n", "50"]).await.succeeded();
    assert_eq!(log.matches("configuration_applied").count(), 3, "each load is on record: {log}");
}
