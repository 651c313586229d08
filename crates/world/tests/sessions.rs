//! The older era has sessions, and a session belongs to whoever opened it.

use portcullis_world::World;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

/// Spec: MCP 2025-11-25 basic/transports, session management; security best practices, session hijacking
#[tokio::test]
async fn a_session_is_of_no_use_to_another_agent() {
    let world = World::start().await;
    let [nightly, weekly] = [token(&world, "nightly").await, token(&world, "weekly").await];
    let session = open(&world, &nightly).await;

    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    assert_eq!(send(post(&world, &nightly, &session, &list)).await.status(), 200);
    assert_eq!(send(post(&world, &weekly, &session, &list)).await.status(), 404);

    let delete = |token: &str| request(Client::new().delete(world.mcp("tickets")), token, &session);
    assert_eq!(send(delete(&weekly)).await.status(), 404);
    assert_eq!(send(post(&world, &nightly, &session, &list)).await.status(), 200);
    assert!(send(delete(&nightly)).await.status().is_success());
    assert_eq!(send(post(&world, &nightly, &session, &list)).await.status(), 404);
}

#[tokio::test]
async fn a_stream_of_a_session_cannot_be_opened_by_another_agent() {
    let world = World::start().await;
    let [nightly, weekly] = [token(&world, "nightly").await, token(&world, "weekly").await];
    let session = open(&world, &nightly).await;
    let listen = |token: &str| {
        request(Client::new().get(world.mcp("tickets")), token, &session).header("accept", "text/event-stream")
    };
    assert_eq!(send(listen(&weekly)).await.status(), 404);
    assert_eq!(send(listen(&nightly)).await.status(), 200);
}

async fn token(world: &World, agent: &str) -> String {
    let answer = world.asks(agent, "tickets", "tickets:low").await.expect("an answer");
    answer["access_token"].as_str().expect("a token").to_owned()
}

async fn open(world: &World, token: &str) -> String {
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}});
    let opened = send(post(world, token, "", &hello)).await;
    let session = opened.headers()["mcp-session-id"].to_str().expect("ASCII").to_owned();
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(send(post(world, token, &session, &ready)).await.status(), 202);
    session
}

fn post(world: &World, token: &str, session: &str, body: &Value) -> RequestBuilder {
    let request = request(Client::new().post(world.mcp("tickets")), token, session);
    request.header("accept", "application/json, text/event-stream").json(body)
}

fn request(builder: RequestBuilder, token: &str, session: &str) -> RequestBuilder {
    let builder = builder.bearer_auth(token).header("mcp-protocol-version", "2025-11-25");
    if session.is_empty() { builder } else { builder.header("mcp-session-id", session) }
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("an answer from the gateway")
}
