//! A server that answers after a break: the official SDKs come back with the id of the last event, and what they bring
//! is of no use to anybody else.
//!
//! The help desk here speaks the older era and numbers its events for everybody: whoever names a number would get what
//! came after it. Each call it answers with an event without content, hangs up, and says the result to whoever comes
//! back for it.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::post,
};
use portcullis_world::{Driver, Era, Sdk, World, WorldConfig};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What the help desk has seen.
#[derive(Default)]
struct Seen {
    /// The ids of the calls it carried out; the event before the answer of the first one is number 1.
    calls: Vec<Value>,
    /// The ids that it was asked to go on after.
    asked_after: Vec<String>,
}

#[derive(Clone, Default)]
struct HelpDesk(Arc<Mutex<Seen>>);

impl HelpDesk {
    /// In front of it stands a gate, with `nightly` and `weekly` as agents.
    async fn behind_a_gate() -> (Self, World) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let desk = Self::default();
        let router = Router::new().route("/mcp", post(asked).get(resumed)).with_state(desk.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (desk, World::start_with(WorldConfig { tickets: Some(url), ..WorldConfig::default() }).await)
    }

    fn seen<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }
}

fn events(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/event-stream")], text).into_response()
}

async fn asked(State(desk): State<HelpDesk>, body: String) -> Response {
    let message: Value = serde_json::from_str(&body).unwrap();
    let json = [(header::CONTENT_TYPE, "application/json")];
    let result = |result: Value| (json, json!({"jsonrpc": "2.0", "id": message["id"], "result": result}).to_string());
    match message["method"].as_str() {
        Some("initialize") => {
            let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                "serverInfo": {"name": "help desk", "version": "1"}});
            ([("mcp-session-id", "one-for-all")], result(hello)).into_response()
        }
        Some("tools/call") => {
            let number = desk.seen(|seen| {
                seen.calls.push(message["id"].clone());
                seen.calls.len()
            });
            events(format!("id: {number}\nretry: 50\ndata: \n\n"))
        }
        Some("tools/list") => {
            let tool = json!({"name": "get_ticket", "inputSchema": {"type": "object"}});
            result(json!({"tools": [tool]})).into_response()
        }
        _ if message.get("id").is_some() => result(json!({})).into_response(),
        _ => StatusCode::ACCEPTED.into_response(),
    }
}

async fn resumed(State(desk): State<HelpDesk>, head: HeaderMap) -> Response {
    let Some(after) = head.get("last-event-id") else { return StatusCode::METHOD_NOT_ALLOWED.into_response() };
    let after = after.to_str().unwrap().to_owned();
    let call = desk.seen(|seen| {
        seen.asked_after.push(after.clone());
        after.parse::<usize>().ok().and_then(|number| seen.calls.get(number - 1).cloned())
    });
    let Some(id) = call else { return StatusCode::NOT_FOUND.into_response() };
    let result = json!({"content": [{"type": "text", "text": format!("the answer to call {after}")}]});
    let answer = json!({"jsonrpc": "2.0", "id": id, "result": result});
    events(format!("id: answer-{after}\ndata: {answer}\n\n"))
}

/// A call without any SDK: the id of the event before its answer, as it came out of the gate, and the session.
async fn begun(world: &World, agent: &str) -> (String, String, String) {
    let token = world.token_of(agent, "tickets").await.unwrap();
    let send = async |session: &str, message: Value| {
        let mut request = Client::new().post(world.mcp("tickets")).bearer_auth(&token);
        request = request.header("accept", "application/json, text/event-stream");
        if !session.is_empty() {
            request = request.header("mcp-session-id", session).header("mcp-protocol-version", "2025-11-25");
        }
        request.json(&message).send().await.unwrap()
    };
    let hello =
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}});
    let hello = send("", json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello})).await;
    let session = hello.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let call = json!({"name": "get_ticket", "arguments": {"id": "T-1041"}});
    let call = send(&session, json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call})).await;
    let text = call.text().await.unwrap();
    let event = text.lines().find_map(|line| line.strip_prefix("id: ")).unwrap_or_else(|| panic!("{text}"));
    (token, session, event.to_owned())
}

async fn comes_back_for_its_answer(sdk: Sdk) {
    let (desk, world) = HelpDesk::behind_a_gate().await;
    let Some(mut agent) = Driver::start_agent(&sdk, Era::Session, &world, "nightly") else { return };
    agent.connect().await.done();
    for number in ["1", "2"] {
        let answer = agent.call("get_ticket", json!({"id": "T-1041"})).await.done();
        assert_eq!(answer["content"][0]["text"], format!("the answer to call {number}"), "{sdk:?}: {answer}");
    }
    desk.seen(|seen| {
        assert_eq!(seen.calls.len(), 2, "{sdk:?}: each call was carried out once");
        assert_eq!(seen.asked_after, ["1", "2"], "{sdk:?}: it was asked with the ids that it had given");
    });
}

async fn gets_nothing_of_anothers(sdk: Sdk) {
    let (desk, world) = HelpDesk::behind_a_gate().await;
    let Some(mut thief) = Driver::start_agent(&sdk, Era::Session, &world, "weekly") else { return };
    let (token, session, event) = begun(&world, "nightly").await;
    thief.connect().await.done();
    thief.resume(&event, "get_ticket", json!({"id": "T-1041"})).await.failed();
    assert_eq!(desk.seen(|seen| seen.asked_after.len()), 0, "{sdk:?}: the server never heard of it");
    let log = world.run(&["audit", "tail", "-n", "50", "--json"]).await.succeeded();
    assert!(log.contains("foreign_event"), "{sdk:?}: {log}");

    // Whose it is gets it, after all that.
    let request = Client::new().get(world.mcp("tickets")).bearer_auth(token).header("accept", "text/event-stream");
    let request = request.header("mcp-session-id", session).header("mcp-protocol-version", "2025-11-25");
    let answer = request.header("last-event-id", event).send().await.unwrap().text().await.unwrap();
    assert!(answer.contains("the answer to call 1"), "{sdk:?}: {answer}");
}

/// Spec: MCP 2025-11-25 basic/transports (resumability and redelivery)
/// Field: S6
#[tokio::test]
async fn typescript_comes_back_for_its_answer_and_the_call_is_carried_out_once() {
    comes_back_for_its_answer(Sdk::TypeScript).await;
}

/// Spec: MCP 2025-11-25 basic/transports (resumability and redelivery)
/// Field: S6
#[tokio::test]
async fn python_comes_back_for_its_answer_and_the_call_is_carried_out_once() {
    comes_back_for_its_answer(Sdk::Python).await;
}

/// Spec: MCP security best practices (session hijacking)
/// Field: S6
#[tokio::test]
async fn typescript_gets_nothing_with_the_event_of_another_agent() {
    gets_nothing_of_anothers(Sdk::TypeScript).await;
}

/// Spec: MCP security best practices (session hijacking)
/// Field: S6
#[tokio::test]
async fn python_gets_nothing_with_the_event_of_another_agent() {
    gets_nothing_of_anothers(Sdk::Python).await;
}
