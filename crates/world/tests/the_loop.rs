//! The whole loop, with the official clients as they are: one story, each client, both eras.
//!
//! 401 → discovery → Client ID Metadata Document → login → consent → token → tools → low call →
//! high call refused → step-up → approval by another person → the call → used up → refused again.
//!
//! What the SDKs do by themselves differs at the step-up, in the same way in both eras:
//!
//! - Python opens the browser inside the call and repeats the call. When the person says no, its
//!   connection ends; the tokens stay, and connecting again needs no browser.
//! - TypeScript opens the browser and leaves repeating the call to the application. When its token
//!   names the scope already, it refreshes instead, is refused once more (a refreshed token is never
//!   elevated) and reports the 403 without bothering anybody.
//! - Rust hands the challenge to the application, whose `AuthorizationManager` makes the URL.
//!
//! The drivers hold exactly that much application and no more.

use portcullis_world::{Driver, Era, Said, Sdk, World};
use serde_json::{Value, json};

#[tokio::test]
async fn typescript_without_sessions() {
    the_loop(&Sdk::TypeScript, Era::Stateless).await;
}

#[tokio::test]
async fn typescript_with_a_session() {
    the_loop(&Sdk::TypeScript, Era::Session).await;
}

#[tokio::test]
async fn python_without_sessions() {
    the_loop(&Sdk::Python, Era::Stateless).await;
}

#[tokio::test]
async fn python_with_a_session() {
    the_loop(&Sdk::Python, Era::Session).await;
}

#[tokio::test]
async fn rust_without_sessions() {
    the_loop(&rust(), Era::Stateless).await;
}

#[tokio::test]
async fn rust_with_a_session() {
    the_loop(&rust(), Era::Session).await;
}

fn rust() -> Sdk {
    Sdk::Rust(env!("CARGO_BIN_EXE_driver-rmcp").into())
}

/// Spec: MCP 2026-07-28 authorization, MCP 2025-11-25 authorization, RFC 9728, RFC 9207, RFC 7636
async fn the_loop(sdk: &Sdk, era: Era) {
    let world = World::start().await;
    let Some(mut client) = Driver::start(sdk, era, &world) else { return };
    let (mut ada, mut bob) = (world.person("ada"), world.person("bob"));

    // A stranger is sent to the browser, and asks for no more than the baseline.
    let authorize = client.connect().await.authorize();
    assert_eq!(scopes(&authorize), ["tickets:low"]);
    let callback = ada.allow(&authorize).await;
    let connected = client.callback(callback).await.done();
    assert_eq!(connected["protocol"], era.revision());

    // The list shows what is usable now, what may be asked for, and nothing that is held.
    let listed = client.list().await.done();
    assert_eq!(access(&listed, "get_ticket"), ["low", "tickets:low", "usable"]);
    assert_eq!(access(&listed, "create_ticket"), ["medium", "tickets:medium", "step_up"]);
    assert_eq!(access(&listed, "delete_ticket"), ["high", "tickets.delete_ticket", "step_up"]);
    assert!(tool(&listed, "export_customers").is_none());

    // Low: answered.
    let ticket = client.call("get_ticket", json!({"id": "T-1048"})).await.done();
    assert_eq!(ticket["structuredContent"]["customer"], "C-1");

    // High: refused, and the browser opens for exactly the scope that is missing.
    let authorize = client.call("delete_ticket", json!({"id": "T-1048"})).await.authorize();
    assert_eq!(scopes(&authorize), ["tickets.delete_ticket", "tickets:low"]);

    // Ada may ask for it, Bob decides, and the page Ada left open goes on by itself.
    let waiting = ada.ask_for(&authorize, "The customer asked for it").await;
    bob.approve("delete_ticket").await;
    let callback = ada.wait(waiting).await;
    let deleted = client.callback(callback).await.done();
    assert_eq!(deleted["structuredContent"]["deleted"], "T-1048");

    // One approval, one call: the next is refused again, although the client still holds its token.
    match client.call("delete_ticket", json!({"id": "T-1049"})).await {
        Said::Failed(refused) if matches!(sdk, Sdk::TypeScript) => assert_eq!(refused["status"], 403, "{refused}"),
        Said::Authorize(authorize) if !matches!(sdk, Sdk::TypeScript) => {
            let callback = ada.deny(&authorize).await;
            client.callback(callback).await.failed();
        }
        other => panic!("the driver said {other:?}"),
    }
    if matches!(sdk, Sdk::Python) {
        client.connect().await.done();
    }

    // What was refused did not happen, what is low still works, and the record of all this holds.
    let ticket = client.call("get_ticket", json!({"id": "T-1049"})).await.done();
    assert_eq!(ticket["structuredContent"]["id"], "T-1049");
    world.run(&["audit", "verify"]).await.succeeded();
}

/// The scopes an authorization URL asks for, sorted.
fn scopes(authorize: &str) -> Vec<String> {
    let url = url::Url::parse(authorize).expect("a URL");
    let scope = url.query_pairs().find(|(name, _)| name == "scope").map(|(_, scope)| scope.into_owned());
    let mut scopes: Vec<_> = scope.unwrap_or_default().split(' ').map(str::to_owned).collect();
    scopes.sort_unstable();
    scopes
}

fn tool<'a>(listed: &'a Value, name: &str) -> Option<&'a Value> {
    listed["tools"].as_array().expect("a list of tools").iter().find(|tool| tool["name"] == name)
}

/// How the list marks a tool: tier, scope, and whether it is usable now.
fn access(listed: &Value, name: &str) -> [String; 3] {
    let tool = tool(listed, name).unwrap_or_else(|| panic!("{name} is not listed"));
    let access = &tool["_meta"]["io.portcullis/access"];
    ["tier", "scope", "state"].map(|key| access[key].as_str().unwrap_or_default().to_owned())
}
