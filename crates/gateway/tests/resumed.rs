//! Streams of the old era that are resumed after an event: by whom it was sent to, and by nobody else.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod world;

use http::Method;
use model::AccessClaims;
use serde_json::{Value, json};
use world::{Answer, World, upstream::reply};

const EVENTS: [(&str, &str); 1] = [("content-type", "text/event-stream")];

async fn session(world: &World) -> String {
    world.legacy("initialize", json!({}), &[]).await.header("mcp-session-id").to_owned()
}

/// GET, after an event if one is given.
async fn listen(world: &World, bearer: &str, session: Option<&str>, after: Option<&str>, path: &str) -> Answer {
    let mut headers = vec![("authorization", bearer), ("accept", "text/event-stream")];
    headers.extend(session.map(|session| ("mcp-session-id", session)));
    headers.extend(after.map(|after| ("last-event-id", after)));
    world.send(Method::GET, path, &headers, "").await
}

/// Of an answer that is one event, its id.
fn id(answer: &Answer) -> String {
    let text = answer.text();
    text.lines().find_map(|line| line.strip_prefix("id: ")).unwrap_or_else(|| panic!("{text}")).to_owned()
}

fn says(world: &World, event: &'static str) {
    world.upstream.answers(move |_| Some(reply(200, &EVENTS, event)));
}

fn asked_after(world: &World) -> Option<String> {
    world.upstream.last().headers.get("last-event-id").map(|id| id.to_str().unwrap().to_owned())
}

/// Spec: MCP 2025-11-25 basic/transports (resumability and redelivery)
///
/// Field: S6
#[tokio::test]
async fn a_stream_is_resumed_after_an_event_of_its_own_and_its_lists_are_filtered() {
    let world = World::start().await;
    let session = session(&world).await;
    let bearer = format!("Bearer {}", world.token());
    says(&world, "id: 7\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[]}}\n\n");
    let first = world.legacy("tools/call", json!({"name": "get_ticket"}), &[("mcp-session-id", &session)]).await;
    let ours = id(&first);
    assert!(ours.len() > 40 && ours.bytes().all(|b| b.is_ascii_graphic()), "{ours}");

    says(&world, "id: 8\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":\"mystery\"}]}}\n\n");
    let resumed = listen(&world, &bearer, Some(&session), Some(&ours), "/mcp/tickets").await;
    assert_eq!(asked_after(&world).as_deref(), Some("7"));
    assert_eq!(world.upstream.last().headers["accept"], "text/event-stream");
    assert!(
        resumed.text().ends_with("\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[]}}\n\n"),
        "{}",
        resumed.text()
    );

    let again = id(&resumed);
    listen(&world, &bearer, Some(&session), Some(&again), "/mcp/tickets").await;
    assert_eq!(asked_after(&world).as_deref(), Some("8"), "and again, as long as it takes");
}

/// A server with global event ids replays anybody's answer to whoever names its event.
///
/// Spec: MCP security best practices (session hijacking)
///
/// Field: S6
#[tokio::test]
async fn an_event_in_other_hands_or_at_another_server_is_refused() {
    let world = World::start().await;
    let session = session(&world).await;
    says(&world, "id: 7\ndata: {}\n\n");
    let bearer = format!("Bearer {}", world.token());
    let ours = id(&listen(&world, &bearer, Some(&session), None, "/mcp/tickets").await);
    let before = world.upstream.arrived().len();
    // The same person and agent, under another grant for another server.
    let claims = AccessClaims {
        aud: "http://127.0.0.1:8420/mcp/files".into(),
        grant_id: "grt_files".parse().unwrap(),
        scope: "files:low".parse().unwrap(),
        ..world.claims()
    };
    let elsewhere = format!("Bearer {}", world.sign(&claims));
    let refused = listen(&world, &elsewhere, None, Some(&ours), "/mcp/files").await.refused(400, 400);
    assert!(refused.text().contains("open the stream without Last-Event-ID"), "{}", refused.text());
    let twice = [
        ("authorization", bearer.as_str()),
        ("mcp-session-id", session.as_str()),
        ("last-event-id", ours.as_str()),
        ("last-event-id", ours.as_str()),
    ];
    world.send(Method::GET, "/mcp/tickets", &twice, "").await.refused(400, 400);
    assert_eq!(world.upstream.arrived().len(), before, "nothing was asked");
    let refused: Value = world.last("call_refused").await.unwrap();
    assert_eq!(refused["reason"], "foreign_event");
}

/// Field: S6
#[tokio::test]
async fn what_nobody_sealed_is_never_sent_on_and_the_stream_begins_anew() {
    let world = World::start().await;
    let session = session(&world).await;
    let bearer = format!("Bearer {}", world.token());
    says(&world, "id: 7\ndata: {}\n\n");
    let ours = id(&listen(&world, &bearer, Some(&session), None, "/mcp/tickets").await);
    for unknown in ["7", "", "x", session.as_str(), &ours[1..], &format!("{ours}A"), &"7".repeat(3000)] {
        assert_eq!(listen(&world, &bearer, Some(&session), Some(unknown), "/mcp/tickets").await.status, 200);
        assert_eq!(asked_after(&world), None, "{unknown}");
    }
    let named = [("mcp-session-id", session.as_str()), ("last-event-id", ours.as_str())];
    world.legacy("tools/call", json!({"name": "get_ticket"}), &named).await;
    assert_eq!(asked_after(&world), None, "only a GET resumes");
}
