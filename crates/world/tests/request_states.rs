//! What a server gives out to get it back travels sealed, and an SDK never notices.

use portcullis_world::{Driver, Era, Protected, Sdk, World, WorldConfig, fixture};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A world with the server of the conformance suite in it.
async fn world() -> World {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    tokio::spawn(fixture::serve(listener));
    let tools = vec![("test_*".to_owned(), "low".to_owned())];
    let server = Protected { name: "fixture".into(), url, tools, keys: String::new() };
    World::start_with(WorldConfig { servers: vec![server], ..WorldConfig::default() }).await
}

async fn brings_it_back(sdk: Sdk) {
    let world = world().await;
    let Some(mut agent) = Driver::start_agent_at("fixture", &sdk, Era::Stateless, &world, "nightly") else { return };
    agent.connect().await.done();
    for (tool, says) in [
        ("test_input_required_result_request_state", "Confirmed: state-ok"),
        ("test_input_required_result_multi_round", "Both steps are done."),
    ] {
        let result = agent.call(tool, json!({})).await.done();
        assert_eq!(result["content"][0]["text"], says, "{sdk:?}: {result}");
    }
}

/// Spec: MCP 2026-07-28 basic/patterns/mrtr
/// Field: S7
#[tokio::test]
async fn typescript_brings_back_what_it_was_given_through_two_rounds() {
    brings_it_back(Sdk::TypeScript).await;
}

/// Spec: MCP 2026-07-28 basic/patterns/mrtr
/// Field: S7
#[tokio::test]
async fn python_brings_back_what_it_was_given_through_two_rounds() {
    brings_it_back(Sdk::Python).await;
}

/// Spec: MCP 2026-07-28 basic/patterns/mrtr
/// Field: S7
#[tokio::test]
async fn what_one_agent_was_given_is_of_no_use_to_another_or_for_another_tool() {
    const TOOL: &str = "test_input_required_result_request_state";
    let world = world().await;
    let asked = call(&world, "nightly", TOOL, json!({})).await;
    let state = asked["result"]["requestState"].as_str().unwrap_or_else(|| panic!("{asked}"));
    let back =
        || json!({"requestState": state, "inputResponses": {"confirm": {"action": "accept", "content": {"ok": true}}}});
    for (agent, tool) in [("weekly", TOOL), ("nightly", "test_input_required_result_multi_round")] {
        let refused = call(&world, agent, tool, back()).await;
        let why = refused["error"]["message"].as_str().unwrap_or_else(|| panic!("{refused}"));
        assert!(why.starts_with("params.requestState was not given to this caller for this call"), "{why}");
    }
    let done = call(&world, "nightly", TOOL, back()).await;
    assert_eq!(done["result"]["content"][0]["text"], "Confirmed: state-ok", "{done}");
}

async fn call(world: &World, agent: &str, tool: &str, more: Value) -> Value {
    let token = world.token_of(agent, "fixture").await.expect("a token");
    let mut params = json!({"name": tool, "arguments": {}, "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}}}});
    for (name, value) in more.as_object().into_iter().flatten() {
        params[name] = value.clone();
    }
    let request = Client::new().post(world.mcp("fixture")).bearer_auth(token);
    let request = request.header("accept", "application/json, text/event-stream").header("mcp-method", "tools/call");
    let request = request.header("mcp-protocol-version", "2026-07-28").header("mcp-name", tool);
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let text = request.json(&body).send().await.expect("an answer").text().await.expect("a body");
    let json = text.lines().find_map(|line| line.strip_prefix("data: ").filter(|data| data.starts_with('{')));
    serde_json::from_str(json.unwrap_or(&text)).unwrap_or_else(|_| panic!("{text}"))
}
