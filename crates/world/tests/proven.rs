//! Tokens that are bound to a key, with the one official SDK that has it: the whole loop, and what a thief gets of it.

use portcullis_world::{Driver, Era, Sdk, World, WorldConfig};
use serde_json::{Value, json};

/// Every nonce is demanded that can be, and medium takes a key.
async fn demanding() -> World {
    let extra = "tokens: { dpop_nonce: always, proof: { medium: required } }\n".to_owned();
    World::start_with(WorldConfig { extra, ..WorldConfig::default() }).await
}

async fn goes_through_the_loop(era: Era) {
    let world = demanding().await;
    let Some(mut client) = Driver::start_proving(&Sdk::TypeScript, era, &world) else { return };
    let mut ada = world.person("ada");
    let authorize = client.connect().await.authorize();
    client.callback(ada.allow(&authorize).await).await.done();
    client.list().await.done();
    client.call("get_ticket", json!({"id": "T-1041"})).await.done();
    // The step-up is told in the scheme DPoP, and the next token is bound, too.
    let ticket = json!({"subject": "First", "body": "As told on the phone.", "customer": "C-1"});
    let authorize = client.call("create_ticket", ticket.clone()).await.authorize();
    client.callback(ada.allow(&authorize).await).await.done();
    client.call("create_ticket", ticket.clone()).await.done();
    client.calls(8, "get_ticket", json!({"id": "T-1042"})).await.done();

    let kept = client.tokens().await.done();
    assert_eq!(kept["tokens"]["token_type"], "DPoP", "{kept}");
    a_thief_gets_nothing(&world, &kept).await;
    // And its owner noticed nothing.
    client.call("create_ticket", ticket).await.done();
    world.run(&["audit", "verify"]).await.succeeded();
}

/// With both tokens, and without the key.
async fn a_thief_gets_nothing(world: &World, kept: &Value) {
    let token = kept["tokens"]["access_token"].as_str().expect("a token");
    let refused = world.raw("tickets", token).call("get_ticket", json!({"id": "T-1041"})).await;
    assert_eq!(refused.status, 401, "{}", refused.body);
    assert!(refused.body.contains("bound to a key"), "{}", refused.body);
    let refresh = kept["tokens"]["refresh_token"].as_str().expect("a refresh token");
    let client_id = world.documents.client_id("typescript");
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh), ("client_id", client_id.as_str())];
    let answer = reqwest::Client::new().post(format!("{}/oauth/token", world.url())).form(&form).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), 400);
    let said: Value = answer.json().await.expect("JSON");
    assert_eq!(said["error"], "invalid_dpop_proof", "{said}");
}

/// Spec: RFC 9449 §5, §7.1, §8 and §9; MCP extension dpop-extension
#[tokio::test]
async fn the_typescript_sdk_proves_its_key_through_the_whole_loop() {
    goes_through_the_loop(Era::Stateless).await;
}

/// Spec: RFC 9449 §5, §7.1, §8 and §9; MCP extension dpop-extension
#[tokio::test]
async fn the_typescript_sdk_proves_its_key_in_a_session() {
    goes_through_the_loop(Era::Session).await;
}

/// Spec: RFC 9449 §5
#[tokio::test]
async fn an_autonomous_agent_on_the_typescript_sdk_proves_its_key() {
    let world = demanding().await;
    let Some(mut agent) = Driver::start_agent_proving(&Sdk::TypeScript, Era::Stateless, &world, "weekly") else {
        return;
    };
    agent.connect().await.done();
    agent.call("get_ticket", json!({"id": "T-1041"})).await.done();
    assert_eq!(agent.tokens().await.done()["tokens"]["token_type"], "DPoP");
}
