//! Sessions of the old era and streams of both.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod world;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::Method;
use http_body_util::BodyExt;
use model::Span;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;
use world::{
    World, modern,
    upstream::{reply, stream as open_stream},
};

async fn next(body: &mut net::Body) -> Option<String> {
    let frame = tokio::time::timeout(std::time::Duration::from_secs(5), body.frame()).await.expect("in time")?;
    Some(String::from_utf8(frame.unwrap().into_data().unwrap_or(Bytes::new()).to_vec()).unwrap())
}

/// A modern POST that the upstream answers with an open stream.
async fn open(world: &World, method: &str, params: Value) -> (UnboundedSender<String>, http::Response<net::Body>) {
    let (sender, response) = open_stream();
    let mut response = Some(response);
    world.upstream.answers(move |_| response.take());
    let bearer = format!("Bearer {}", world.token());
    let (headers, body) = modern(method, params);
    let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.extend([("authorization", bearer.as_str()), ("content-type", "application/json")]);
    (sender, world.open(Method::POST, "/mcp/tickets", &headers, body).await)
}

/// Field: G12
#[tokio::test]
async fn events_pass_as_they_come_with_every_byte() {
    let world = World::start().await;
    let (upstream, response) = open(&world, "tools/call", json!({"name": "get_ticket"})).await;
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    let mut body = response.into_body();
    for event in ["id: 1\r\nretry: 5\r\ndata: {\"progress\":1}\r\n\r\n", ": ping\n\n", "data: half", " an event\n\n"] {
        upstream.send(event.to_owned()).unwrap();
        assert_eq!(next(&mut body).await.unwrap(), event);
    }
    drop(upstream);
    assert_eq!(next(&mut body).await, None);
    assert_eq!(world.eventually("call_ended").await["outcome"], "complete");
}

#[tokio::test]
async fn a_list_is_filtered_inside_a_stream_too() {
    let world = World::start().await;
    let (upstream, response) = open(&world, "tools/list", json!({})).await;
    let mut body = response.into_body();
    let notification = "id: 1\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\n\n";
    upstream.send(notification.to_owned()).unwrap();
    assert_eq!(next(&mut body).await.unwrap(), notification);
    upstream
        .send(
            "id: 2\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\ndata: \"result\":{\"tools\":[{\"name\":\"mystery\"},".into(),
        )
        .unwrap();
    upstream.send("{\"name\":\"get_ticket\"}],\"cacheScope\":\"public\"}}\n\n".into()).unwrap();
    let event = next(&mut body).await.unwrap();
    assert!(event.starts_with("id: 2\ndata: {"), "{event}");
    assert!(
        event.contains("get_ticket")
            && event.contains("io.portcullis/access")
            && event.contains("\"cacheScope\":\"private\"")
    );
    assert!(!event.contains("mystery"));
}

/// Servers send pings of their own as named events. They hold no message, so they neither break a stream nor hide one.
#[tokio::test]
async fn an_event_of_another_name_breaks_no_stream_and_hides_no_list() {
    let world = World::start().await;
    let (upstream, response) = open(&world, "tools/list", json!({})).await;
    let mut body = response.into_body();
    upstream.send("event: ping\nid: 1\ndata: ping\n\n".into()).unwrap();
    assert_eq!(next(&mut body).await.unwrap(), ":\nid: 1\n\n");
    let list =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":\"mystery\"},{\"name\":\"get_ticket\"}]}}";
    upstream.send(format!("event: other\ndata: {list}\n\n")).unwrap();
    assert_eq!(next(&mut body).await.unwrap(), ":\n\n", "not even for a reader that does not look at names");
    upstream.send(format!("event: message\ndata: {list}\n\n")).unwrap();
    let event = next(&mut body).await.unwrap();
    assert!(event.starts_with("event: message\ndata: {") && event.contains("get_ticket"), "{event}");
    assert!(!event.contains("mystery"), "{event}");
}

/// A portion of tiny events costs no more than its bytes: a piece for each would cost a hundred times as much.
#[tokio::test]
async fn events_that_need_no_change_pass_together() {
    let world = World::start().await;
    let (upstream, response) = open(&world, "tools/list", json!({})).await;
    let list = "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[]}}\n\n";
    upstream.send(format!("{}{list}{}", "\n".repeat(60_000), "\n".repeat(60_000))).unwrap();
    drop(upstream);
    let (mut body, mut pieces, mut bytes, mut listed) = (response.into_body(), 0, 0, false);
    while let Some(piece) = next(&mut body).await {
        (pieces, bytes) = (pieces + 1, bytes + piece.len());
        listed |= piece.contains("\"tools\":[]") && piece.starts_with("data:") && piece.ends_with("}}\n\n");
    }
    assert!(listed && bytes >= 120_000 && pieces < 1000, "{pieces} pieces, {bytes} bytes");
}

#[tokio::test]
async fn an_unfinished_list_does_not_leak_at_the_end_of_a_stream() {
    let world = World::start().await;
    let (upstream, response) = open(&world, "tools/list", json!({})).await;
    upstream
        .send("data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":\"mystery\"}]}}\n".into())
        .unwrap();
    drop(upstream);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let text = std::str::from_utf8(&body).unwrap();
    assert!(!text.contains("mystery") && text.contains("ended without its answer"), "{text}");
}

/// A long stream must not outlive the revocation of what opened it.
#[tokio::test]
async fn a_stream_ends_when_its_agent_is_revoked() {
    let world = World::start().await;
    let (upstream, response) = open(&world, "tools/call", json!({"name": "get_ticket"})).await;
    let mut body = response.into_body();
    upstream.send("data: 1\n\n".into()).unwrap();
    assert_eq!(next(&mut body).await.unwrap(), "data: 1\n\n");
    world.revoke("agent", "bot@ada").await;
    upstream.send("data: secret\n\n".into()).unwrap_or(());
    assert!(next(&mut body).await.unwrap().contains("it may have been done"));
    assert_eq!(next(&mut body).await, None, "not one more event");
    assert_eq!(world.eventually("call_ended").await["outcome"], "authority_ended");
    upstream.closed().await;
}

/// Field: A2
#[tokio::test]
async fn a_stream_ends_with_its_installation_and_not_with_another() {
    let world = World::start().await;
    let (upstream, response) = open(&world, "tools/call", json!({"name": "get_ticket"})).await;
    let mut body = response.into_body();
    world.revoke("installation", "ins_other").await;
    upstream.send("data: 1\n\n".into()).unwrap();
    assert_eq!(next(&mut body).await.unwrap(), "data: 1\n\n");
    world.revoke("installation", "ins_ada").await;
    upstream.send("data: secret\n\n".into()).unwrap_or(());
    assert!(next(&mut body).await.unwrap().contains("it may have been done"));
    assert_eq!(next(&mut body).await, None, "not one more event");
    upstream.closed().await;
}

/// Also when nothing is said for a long time.
#[tokio::test]
async fn a_silent_stream_ends_when_its_tool_is_blocked() {
    let world = World::start().await;
    let (upstream, response) = open(&world, "tools/call", json!({"name": "get_ticket"})).await;
    let mut body = response.into_body();
    let (end, ()) = tokio::join!(next(&mut body), world.revoke("tool", "tickets.get_ticket"));
    assert!(end.unwrap().contains("the tool was switched off while the call was under way: it may have been done"));
    assert_eq!(next(&mut body).await, None);
    upstream.closed().await;
}

#[tokio::test]
async fn a_stream_survives_a_revocation_that_concerns_somebody_else() {
    let world = World::start().await;
    let (upstream, response) = open(&world, "tools/call", json!({"name": "get_ticket"})).await;
    let mut body = response.into_body();
    world.revoke("agent", "another").await;
    upstream.send("data: 1\n\n".into()).unwrap();
    assert_eq!(next(&mut body).await.unwrap(), "data: 1\n\n");
}

/// Spec: MCP 2026-07-28 basic/patterns/subscriptions
#[tokio::test]
async fn a_subscription_says_goodbye_when_its_token_expires() {
    let world = World::start().await;
    let (upstream, response) = open(&world, "subscriptions/listen", json!({})).await;
    let mut body = response.into_body();
    upstream.send("data: 1\n\n".into()).unwrap();
    assert_eq!(next(&mut body).await.unwrap(), "data: 1\n\n");
    world.clock.advance(Span::from_seconds(600));
    upstream.send("data: too late\n\n".into()).unwrap();
    assert!(next(&mut body).await.unwrap().contains("\"resultType\":\"complete\""));
    assert_eq!(next(&mut body).await, None);
}

/// Spec: MCP 2026-07-28 basic/patterns/cancellation (closing the stream is the cancellation)
#[tokio::test]
async fn a_client_that_leaves_closes_the_upstream_request() {
    let world = World::start().await;
    let (upstream, response) = open(&world, "tools/call", json!({"name": "get_ticket"})).await;
    drop(response);
    tokio::time::timeout(std::time::Duration::from_secs(5), upstream.closed()).await.expect("the upstream notices");
    assert_eq!(world.eventually("call_ended").await["outcome"], "client_gone");
}

/// Spec: MCP 2025-11-25 basic/transports (session management)
#[tokio::test]
async fn a_session_is_sealed_for_its_principal() {
    let world = World::start().await;
    let ours = world
        .legacy("initialize", json!({"protocolVersion": "2025-11-25"}), &[])
        .await
        .answered()
        .header("mcp-session-id")
        .to_owned();
    assert!(!ours.contains("upstream-session-1") && ours.bytes().all(|b| b.is_ascii_graphic()));
    world.legacy("tools/list", json!({}), &[("mcp-session-id", &ours)]).await.answered();
    assert_eq!(world.upstream.last().headers["mcp-session-id"], "upstream-session-1");
    let response = json!({"jsonrpc": "2.0", "id": 7, "result": {}}).to_string();
    let answer =
        world.post(&[("mcp-protocol-version", "2025-11-25"), ("mcp-session-id", &ours)], response.clone()).await;
    assert_eq!(answer.status, 200);
    world.post(&[("mcp-protocol-version", "2025-11-25")], response).await.refused(400, 400);
}

/// A session id alone opened other people's sessions (CVE-2026-67431, CVE-2026-52869).
///
/// Spec: MCP security best practices (session hijacking)
#[tokio::test]
async fn a_session_in_other_hands_is_unknown() {
    let world = World::start().await;
    let ours = world.legacy("initialize", json!({}), &[]).await.header("mcp-session-id").to_owned();
    let before = world.upstream.arrived().len();
    for foreign in ["upstream-session-1", "", "x", &ours[1..], &format!("{ours}A"), &ours.to_uppercase()] {
        let answer = world.legacy("tools/list", json!({}), &[("mcp-session-id", foreign)]).await;
        assert_eq!(answer.status, 404, "{foreign}");
    }
    // The same session under another grant: a token for the other server, which has an upstream of its own.
    let claims = model::AccessClaims {
        aud: "http://127.0.0.1:8420/mcp/files".into(),
        grant_id: "grt_files".parse().unwrap(),
        scope: "files:low".parse().unwrap(),
        ..world.claims()
    };
    let bearer = format!("Bearer {}", world.sign(&claims));
    let headers = [("authorization", bearer.as_str()), ("mcp-session-id", ours.as_str())];
    assert_eq!(world.send(Method::GET, "/mcp/files", &headers, "").await.status, 404);
    assert_eq!(
        world.send(Method::DELETE, "/mcp/tickets", &[("mcp-session-id", &ours)], "").await.status,
        401,
        "never a credential"
    );
    assert_eq!(world.upstream.arrived().len(), before);
}

/// Spec: MCP 2026-07-28 basic/transports/streamable-http (GET and DELETE: 405)
#[tokio::test]
async fn a_modern_request_without_a_body_does_not_exist() {
    let world = World::start().await;
    let bearer = format!("Bearer {}", world.token());
    let headers = [("authorization", bearer.as_str()), ("mcp-protocol-version", "2026-07-28")];
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(world.send(method, "/mcp/tickets", &headers, "").await.status, 405);
    }
    world.upstream.got_nothing();
}

/// The TypeScript SDK waits a minute for an answer that does not come, and says that its time was over: whoever reads that
/// tries again.
///
/// Spec: MCP 2025-11-25 basic/transports (resumability and redelivery)
/// Field: G2
#[tokio::test]
async fn a_stream_that_breaks_or_ends_before_its_answer_says_that_it_may_have_been_done() {
    let world = World::start().await;
    let whole = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\n\n";
    let half = format!("{whole}data: {{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{{");
    for (sent, breaks, words) in [
        (half.as_str(), true, "broke before its answer: it may have been done"),
        (&half, false, "ended without its answer: it may have been done"),
        (whole, true, "broke before its answer: it may have been done"),
        (whole, false, "ended without its answer: it may have been done"),
        ("", false, "ended without its answer: it may have been done"),
    ] {
        let (text, events) = (sent.to_owned(), [("content-type", "text/event-stream")]);
        world.upstream.answers(move |_| {
            let cable = async {
                // What was said before is on its way.
                for _ in 0..64 {
                    tokio::task::yield_now().await;
                }
                Err(std::io::Error::other("a cable"))
            };
            let end = stream::iter(breaks.then_some(cable)).then(|cable| cable);
            let pieces = stream::iter([Ok(text.clone())]).chain(end);
            Some(reply(200, &events, Body::from_stream(pieces)))
        });
        let answer = world.modern_tool("get_ticket").await;
        let text = answer.text();
        let last =
            text.rsplit_once("data: ").unwrap_or_else(|| panic!("{sent:?} {breaks} {} {text:?}", answer.status)).1;
        let error: Value = serde_json::from_str(last.trim()).unwrap_or_else(|_| panic!("{text:?}"));
        assert_eq!((&error["id"], &error["error"]["data"]["mayHaveBeenDone"]), (&json!(1), &json!(true)), "{text:?}");
        assert!(last.contains(words), "{last}");
        assert!(text.starts_with(sent) && text.ends_with("\n\n"), "{text:?}");
    }
    // The same of a length that was announced.
    world.upstream.answers(move |_| Some(reply(200, &[("content-type", "text/event-stream")], whole)));
    let text = world.modern_tool("get_ticket").await.text();
    assert!(text.starts_with(whole) && text.contains("ended without its answer"), "{text:?}");
    let ends = world.records().await;
    assert!(ends.iter().filter(|record| record["event"] == "call_ended").all(|end| end["done"] == "unknown"));
}

/// Whoever got the id of an event comes back for the rest, and must not be told that it is over.
///
/// Spec: MCP 2025-11-25 basic/transports (resumability and redelivery)
/// Field: G2
#[tokio::test]
async fn a_stream_that_can_be_resumed_ends_as_its_server_ended_it() {
    let world = World::start().await;
    for event in ["id: 7\nretry: 50\ndata: \n\n", "id: 7\ndata: {\"method\":\"x\"}\n\n"] {
        world.upstream.answers(move |_| Some(reply(200, &[("content-type", "text/event-stream")], event)));
        let text = world.legacy_tool("get_ticket").await.text();
        assert!(text.contains("id: ") && !text.contains("error"), "{text:?}");
    }
}
