//! An autonomous agent that is built on an official SDK: its client-credentials provider takes `authorization_pending`
//! for the end, so such an agent hears of the decision in the results of its calls.

use portcullis_world::{Driver, Era, Sdk, World};
use serde_json::{Value, json};

/// The id of the elevation that a refused call names.
fn elevation(result: &Value, state: &str) -> String {
    assert_eq!(result["isError"], true, "{result}");
    let told = &result["_meta"]["io.portcullis/elevation"];
    assert_eq!(told["state"], state, "{result}");
    told["id"].as_str().expect("an id").to_owned()
}

fn succeeded(result: &Value) {
    assert!(!result["isError"].as_bool().unwrap_or_default(), "{result}");
}

async fn it_waits_in_its_calls(sdk: Sdk, era: Era) {
    let world = World::start().await;
    let Some(mut agent) = Driver::start_agent(&sdk, era, &world, "weekly") else { return };
    agent.connect().await.done();
    succeeded(&agent.call("get_ticket", json!({"id": "T-1041"})).await.done());

    // The SDK steps up by itself, gets what can be had, and calls again.
    let waits = agent.call("delete_ticket", json!({"id": "T-1041"})).await.done();
    let asked = elevation(&waits, "requested");
    let words = waits["content"][0]["text"].as_str().expect("words");
    assert!(
        words.contains("waits for a decision") && words.contains(&format!("/console/approvals/{asked}")),
        "{words}"
    );
    // It lives, and asking again asks for nothing new.
    succeeded(&agent.call("get_ticket", json!({"id": "T-1042"})).await.done());
    assert_eq!(elevation(&agent.call("delete_ticket", json!({"id": "T-1041"})).await.done(), "requested"), asked);

    // The same call, once, after another person said yes.
    world.run(&["elevation", "approve", &asked, "--as", "bob"]).await.succeeded();
    succeeded(&agent.call("delete_ticket", json!({"id": "T-1041"})).await.done());
    let next = elevation(&agent.call("delete_ticket", json!({"id": "T-1042"})).await.done(), "requested");
    assert_ne!(next, asked, "one approval, one call");

    // And a no is told as one, without asking anybody again.
    world.run(&["elevation", "deny", &next, "--as", "bob"]).await.succeeded();
    let denied = agent.call("delete_ticket", json!({"id": "T-1042"})).await.done();
    assert_eq!(elevation(&denied, "denied"), next);
    succeeded(&agent.call("get_ticket", json!({"id": "T-1042"})).await.done());
}

/// Field: H9
#[tokio::test]
async fn typescript_hears_in_its_calls_what_a_person_decided() {
    it_waits_in_its_calls(Sdk::TypeScript, Era::Stateless).await;
    it_waits_in_its_calls(Sdk::TypeScript, Era::Session).await;
}

/// Field: H9
#[tokio::test]
async fn python_hears_in_its_calls_what_a_person_decided() {
    it_waits_in_its_calls(Sdk::Python, Era::Stateless).await;
    it_waits_in_its_calls(Sdk::Python, Era::Session).await;
}

/// Asking is not having: the token names no more than what is held.
///
/// Field: H9
#[tokio::test]
async fn the_token_that_comes_meanwhile_is_worth_the_baseline_alone() {
    let world = World::start().await;
    let scope = "tickets:low tickets.delete_ticket";
    // What is approved is a call, so there is nothing to ask for before one was refused.
    let first = world.asks("weekly", "tickets", scope).await.expect("an answer");
    assert_eq!((&first["scope"], &first["elevation_id"]), (&json!("tickets:low"), &Value::Null), "{first}");
    let raw = world.raw("tickets", first["access_token"].as_str().expect("a token"));
    assert_eq!(raw.call("delete_ticket", json!({"id": "T-1041"})).await.status, 403);
    let asked = world.asks("weekly", "tickets", scope).await.expect("an answer");
    assert_eq!((&asked["scope"], &asked["error"]), (&json!("tickets:low"), &Value::Null), "{asked}");
    assert!(asked["elevation_id"].is_string(), "{asked}");
    let raw = world.raw("tickets", asked["access_token"].as_str().expect("a token"));
    let refused = raw.call("delete_ticket", json!({"id": "T-1041"})).await;
    assert!(refused.body.contains("waits for a decision"), "{}", refused.body);
    // What was never asked for is a step-up, as for everybody.
    assert_eq!(raw.call("create_ticket", json!({"subject": "x", "body": "y", "customer": "C-7"})).await.status, 403);
}
