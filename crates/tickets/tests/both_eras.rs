//! The sample server as a client of either protocol era sees it, without a network.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode},
};
use http_body_util::BodyExt as _;
use portcullis_tickets::{PATH, TIERS, router};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// Spec: MCP 2026-07-28, tools/list
#[tokio::test]
async fn the_stateless_era_lists_six_described_tools() {
    let answer = stateless(&router(), "tools/list", json!({})).await;
    check_tools(&answer["result"]["tools"]);
    assert_eq!(answer["result"]["resultType"], "complete");
}

/// Spec: MCP 2025-11-25, lifecycle
#[tokio::test]
async fn the_session_era_lists_the_same_tools() {
    let mut session = Session::open(router()).await;
    let answer = session.ask("tools/list", json!({})).await;
    check_tools(&answer["result"]["tools"]);
}

#[tokio::test]
async fn a_deleted_ticket_is_gone_for_every_session() {
    let desk = router();
    let mut session = Session::open(desk.clone()).await;
    let deleted = call(&desk, "delete_ticket", json!({"id": "T-1048"})).await;
    assert_eq!(deleted["structuredContent"], json!({"deleted": "T-1048", "remaining": 9}));

    let answer = session.ask("tools/call", json!({"name": "get_ticket", "arguments": {"id": "T-1048"}})).await;
    assert_eq!(answer["result"]["isError"], true);
    assert!(answer["result"]["content"][0]["text"].as_str().unwrap().contains("no ticket `T-1048`"));
}

#[tokio::test]
async fn a_ticket_is_filed_changed_and_found() {
    let desk = router();
    let filed = json!({"subject": "Printer on fire", "body": "Literally.", "customer": "C-4", "priority": "urgent"});
    let filed = call(&desk, "create_ticket", filed).await;
    let id = filed["structuredContent"]["id"].as_str().unwrap().to_owned();
    call(&desk, "update_ticket", json!({"id": id, "status": "pending", "note": "Fire brigade called"})).await;

    let found = call(&desk, "list_tickets", json!({"text": "printer"})).await;
    assert_eq!(found["structuredContent"]["tickets"][0]["status"], "pending");
    let read = call(&desk, "get_ticket", json!({"id": id})).await;
    assert_eq!(read["structuredContent"]["notes"], json!(["Fire brigade called"]));
}

#[tokio::test]
async fn a_ticket_for_nobody_is_not_filed() {
    let desk = router();
    let refused = call(&desk, "create_ticket", json!({"subject": "x", "body": "y", "customer": "C-99"})).await;
    assert_eq!(refused["isError"], true);
    let list = call(&desk, "list_tickets", json!({})).await;
    assert_eq!(list["structuredContent"]["tickets"].as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn every_customer_is_exported() {
    let exported = call(&router(), "export_customers", json!({})).await;
    assert_eq!(exported["structuredContent"]["customers"].as_array().unwrap().len(), 7);
}

/// Spec: MCP 2026-07-28, transports, security
#[tokio::test]
async fn a_rebound_name_or_a_foreign_page_is_refused() {
    for (name, value) in [("host", "evil.example"), ("origin", "https://evil.example")] {
        let mut request = stateless_request("tools/list", json!({}));
        request.headers_mut().insert(name, value.parse().unwrap());
        let response = router().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{name}");
    }
}

fn check_tools(tools: &Value) {
    let tools = tools.as_array().unwrap();
    let mut names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    let mut expected: Vec<_> = TIERS.iter().map(|(name, _)| *name).collect();
    expected.sort_unstable();
    assert_eq!(names, expected);
    for tool in tools {
        assert!(tool["description"].as_str().unwrap().len() > 40, "{tool}");
        assert!(tool["annotations"]["title"].is_string() && tool["annotations"]["readOnlyHint"].is_boolean(), "{tool}");
        assert_eq!(tool["inputSchema"]["type"], "object", "{tool}");
        assert_eq!(tool["outputSchema"]["type"], "object", "{tool}");
        assert!(!tool["outputSchema"].to_string().contains("uint"), "not every validator knows `uint`: {tool}");
    }
}

async fn call(desk: &Router, tool: &str, arguments: Value) -> Value {
    stateless(desk, "tools/call", json!({"name": tool, "arguments": arguments})).await["result"].clone()
}

async fn stateless(desk: &Router, method: &str, params: Value) -> Value {
    answer(desk.clone().oneshot(stateless_request(method, params)).await.unwrap()).await
}

fn stateless_request(method: &str, mut params: Value) -> Request<Body> {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let name = params["name"].as_str().map(str::to_owned);
    let mut request = post(json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}));
    let headers = request.headers_mut();
    headers.insert("mcp-protocol-version", "2026-07-28".parse().unwrap());
    headers.insert("mcp-method", method.parse().unwrap());
    if let Some(name) = name {
        headers.insert("mcp-name", name.parse().unwrap());
    }
    request
}

fn post(body: Value) -> Request<Body> {
    Request::post(PATH)
        .header("host", "127.0.0.1:3001")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .body(Body::from(body.to_string()))
        .unwrap()
}

struct Session {
    desk: Router,
    id: String,
    asked: u32,
}

impl Session {
    async fn open(desk: Router) -> Self {
        let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}});
        let response = desk.clone().oneshot(post(hello)).await.unwrap();
        let id = response.headers()["mcp-session-id"].to_str().unwrap().to_owned();
        assert_eq!(answer(response).await["result"]["protocolVersion"], "2025-11-25");
        let session = Self { desk, id, asked: 0 };
        let ready = session.request(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        assert_eq!(session.desk.clone().oneshot(ready).await.unwrap().status(), StatusCode::ACCEPTED);
        session
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let request = self.request(json!({"jsonrpc": "2.0", "id": self.asked, "method": method, "params": params}));
        answer(self.desk.clone().oneshot(request).await.unwrap()).await
    }

    fn request(&self, body: Value) -> Request<Body> {
        let mut request = post(body);
        request.headers_mut().insert("mcp-session-id", self.id.parse().unwrap());
        request.headers_mut().insert("mcp-protocol-version", "2025-11-25".parse().unwrap());
        request
    }
}

/// The one JSON-RPC response in a JSON body or an event stream.
async fn answer(response: Response<Body>) -> Value {
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert_eq!(status, StatusCode::OK, "{text}");
    let payloads = text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
    let found = payloads.chain([text.as_str()]).find_map(|line| serde_json::from_str::<Value>(line).ok());
    found.unwrap_or_else(|| panic!("no JSON in {text}"))
}
