//! Calls that have to come again with input, and the state that their server hands out for it.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod world;

use http::Method;
use model::{AccessClaims, StepUp};
use serde_json::{Value, json};
use world::{Answer, World, modern, upstream::reply};

/// The server asks for input, and hands out `state`.
fn asks(world: &World, state: &'static str, events: bool) {
    world.upstream.answers(move |_| {
        let result = json!({"resultType": "input_required", "requestState": state, "inputRequests": {}});
        let answer = json!({"jsonrpc": "2.0", "id": 1, "result": result}).to_string();
        Some(match events {
            true => reply(200, &[("content-type", "text/event-stream")], format!("data: {answer}\n\n")),
            false => reply(200, &[("content-type", "application/json")], answer),
        })
    });
}

/// The state as the client is given it.
fn given(answer: &Answer) -> String {
    let text = answer.text();
    let json = text.strip_prefix("data: ").unwrap_or(&text);
    let message: Value = serde_json::from_str(json).unwrap();
    message["result"]["requestState"].as_str().unwrap().to_owned()
}

/// The state as the server gets it back.
fn got(world: &World) -> Value {
    serde_json::from_slice::<Value>(&world.upstream.last().body).unwrap()["params"]["requestState"].take()
}

/// Spec: MCP 2026-07-28 basic/patterns/mrtr
///
/// Field: S7
#[tokio::test]
async fn a_call_comes_again_with_the_state_that_its_server_handed_out() {
    for events in [false, true] {
        for (method, params) in [
            ("tools/call", json!({"name": "get_ticket"})),
            ("prompts/get", json!({"name": "summarize"})),
            ("resources/read", json!({"uri": "file:///docs/a"})),
        ] {
            let world = World::start().await;
            let theirs = "q\"\u{fc} {\"amount\":1}";
            asks(&world, theirs, events);
            let ours = given(&world.modern(method, params.clone()).await);
            assert!(!ours.contains("amount") && ours.bytes().all(|byte| byte.is_ascii_graphic()), "{ours}");
            let mut again = params;
            again["requestState"] = ours.into();
            again["inputResponses"] = json!({"sure": {"action": "accept"}});
            world.modern(method, again).await;
            assert_eq!(got(&world), theirs, "{method}");
            let sent: Value = serde_json::from_slice(&world.upstream.last().body).unwrap();
            assert_eq!(sent["params"]["inputResponses"]["sure"]["action"], "accept");
        }
    }
}

/// All agents reach a server through one connection, so it can not tell who brings a state.
///
/// Spec: MCP 2026-07-28 basic/patterns/mrtr (request state is input of an attacker)
///
/// Field: S7
#[tokio::test]
async fn a_state_for_another_call_server_or_principal_is_refused() {
    let world = World::start().await;
    asks(&world, "agreed", false);
    let ours = given(&world.modern_tool("get_ticket").await);
    let before = world.upstream.arrived().len();
    for (method, params) in [
        ("tools/call", json!({"name": "get_other", "requestState": ours})),
        ("prompts/get", json!({"name": "summarize", "requestState": ours})),
        ("resources/read", json!({"uri": "file:///docs/a", "requestState": ours})),
        ("completion/complete", json!({"ref": {"type": "ref/prompt", "name": "summarize"}, "requestState": ours})),
        ("tools/list", json!({"requestState": ours})),
        ("server/discover", json!({"requestState": ours})),
    ] {
        let refused = world.modern(method, params).await.refused(400, -32602);
        assert!(refused.text().contains("make the call anew, without it"), "{}", refused.text());
    }
    let claims = AccessClaims {
        aud: "http://127.0.0.1:8420/mcp/files".into(),
        grant_id: "grt_files".parse().unwrap(),
        scope: "files:low".parse().unwrap(),
        ..world.claims()
    };
    let bearer = format!("Bearer {}", world.sign(&claims));
    let (headers, body) = modern("tools/call", json!({"name": "get_ticket", "requestState": ours}));
    let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.extend([("authorization", bearer.as_str()), ("content-type", "application/json")]);
    world.send(Method::POST, "/mcp/files", &headers, body).await.refused(400, -32602);
    assert_eq!(world.upstream.arrived().len(), before, "nothing was sent");
    assert_eq!(world.last("call_refused").await.unwrap()["reason"], "foreign_state");
}

/// Field: S7
#[tokio::test]
async fn a_state_that_nobody_sealed_never_goes_upstream() {
    let world = World::start().await;
    asks(&world, "agreed", false);
    let ours = given(&world.modern_tool("get_ticket").await);
    let before = world.upstream.arrived().len();
    for unknown in
        [json!("agreed"), json!(""), json!(&ours[1..]), json!(format!("{ours}A")), json!(7), json!(null), json!({})]
    {
        world.modern("tools/call", json!({"name": "get_ticket", "requestState": unknown})).await.refused(400, -32602);
    }
    world.legacy("tools/call", json!({"name": "get_ticket", "requestState": "agreed"}), &[]).await.refused(200, -32602);
    assert_eq!(world.upstream.arrived().len(), before);
}

/// The state of an answer is no permit: what comes again is decided on again.
///
/// Field: S7
#[tokio::test]
async fn a_call_that_comes_again_needs_its_approval_again() {
    let world = World::start().await;
    world.elevate("elv_1", "tickets.delete_ticket", StepUp::Approval, 1).await;
    asks(&world, "agreed", false);
    let ours = given(&world.modern_tool("delete_ticket").await);
    let again = world.modern("tools/call", json!({"name": "delete_ticket", "requestState": ours})).await;
    again.challenged("tickets.delete_ticket");
}
