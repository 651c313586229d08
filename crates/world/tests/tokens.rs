//! Tokens run out and come back; privilege does not come back with them.

use std::time::Duration;

use portcullis_world::{Driver, Era, Sdk, World, WorldConfig};
use serde_json::json;

#[tokio::test]
async fn typescript_renews_its_token_without_a_person() {
    renews(&Sdk::TypeScript).await;
}

#[tokio::test]
async fn python_renews_its_token_without_a_person() {
    renews(&Sdk::Python).await;
}

#[tokio::test]
async fn rust_renews_its_token_without_a_person() {
    renews(&Sdk::Rust(env!("CARGO_BIN_EXE_driver-rmcp").into())).await;
}

/// Spec: RFC 6749 §6
async fn renews(sdk: &Sdk) {
    let extra = "tokens: { access: 2s }\n".to_owned();
    let world = World::start_with(WorldConfig { extra, ..WorldConfig::default() }).await;
    let Some(mut client) = Driver::start(sdk, Era::Stateless, &world) else { return };
    let (mut ada, mut bob) = (world.person("ada"), world.person("bob"));
    let authorize = client.connect().await.authorize();
    client.callback(ada.allow(&authorize).await).await.done();

    for _ in 0..2 {
        tokio::time::sleep(Duration::from_secs(3)).await;
        client.call("get_ticket", json!({"id": "T-1041"})).await.done();
    }

    // What was approved is used, and no renewed token brings it back.
    let authorize = client.call("delete_ticket", json!({"id": "T-1041"})).await.authorize();
    let waiting = ada.ask_for(&authorize, "A duplicate").await;
    bob.approve("delete_ticket").await;
    let callback = ada.wait(waiting).await;
    client.callback(callback).await.done();
    tokio::time::sleep(Duration::from_secs(3)).await;
    client.call("get_ticket", json!({"id": "T-1042"})).await.done();
    client.call("delete_ticket", json!({"id": "T-1042"})).await.authorize();
}
