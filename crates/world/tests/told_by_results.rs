//! Official clients that are told by the results of tools: the model reads what is needed and where, and the same call works
//! afterwards.

use portcullis_world::{Driver, Era, Sdk, World, WorldConfig};
use serde_json::{Value, json};

#[tokio::test]
async fn typescript() {
    told_by_results(&Sdk::TypeScript, Era::Session).await;
}

#[tokio::test]
async fn python() {
    told_by_results(&Sdk::Python, Era::Session).await;
}

#[tokio::test]
async fn rust() {
    told_by_results(&Sdk::Rust(env!("CARGO_BIN_EXE_driver-rmcp").into()), Era::Stateless).await;
}

/// Spec: docs/decisions/0035-one-exact-call.md
async fn told_by_results(sdk: &Sdk, era: Era) {
    let clients = "  challenge: { \"*\": tool_error }\n".to_owned();
    let world = World::start_with(WorldConfig { clients, ..WorldConfig::default() }).await;
    let Some(mut client) = Driver::start(sdk, era, &world) else { return };
    let (mut ada, mut bob) = (world.person("ada"), world.person("bob"));
    let authorize = client.connect().await.authorize();
    client.callback(ada.allow(&authorize).await).await.done();

    let refused = client.call("delete_ticket", json!({"id": "T-1041"})).await.done();
    let page = page_in(&refused);
    ada.ask_at(&page, "a duplicate").await;
    let waits = client.call("delete_ticket", json!({"id": "T-1041"})).await.done();
    assert!(waits.to_string().contains("waits for a decision"), "{waits}");
    bob.approve("delete_ticket").await;
    let done = client.call("delete_ticket", json!({"id": "T-1041"})).await.done();
    assert!(!is_error(&done), "{done}");
    // It was good for that call, and another one is another question.
    let other = client.call("delete_ticket", json!({"id": "T-1042"})).await.done();
    assert!(is_error(&other) && page_in(&other) != page, "{other}");

    // The medium tier, too: its person allows it on their own page.
    let refused = client.call("create_ticket", ticket()).await.done();
    assert!(is_error(&refused) && refused.to_string().contains("needs your consent"), "{refused}");
    let me = ada.open(&format!("{}/me", world.url())).await.page();
    ada.press(&me, "Allow").await.page();
    let done = client.call("create_ticket", ticket()).await.done();
    assert!(!is_error(&done), "{done}");
}

fn is_error(result: &Value) -> bool {
    result["isError"] == true || result["is_error"] == true
}

/// The address in the words that the model reads.
fn page_in(result: &Value) -> String {
    assert!(is_error(result), "{result}");
    let text = result["content"][0]["text"].as_str().expect("words");
    text.split_whitespace().find(|word| word.contains("/me/asked/")).expect("an address").to_owned()
}

fn ticket() -> Value {
    json!({"subject": "First", "body": "As told on the phone.", "customer": "C-1"})
}
