//! How long an answer may be that is passed on.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod world;

use axum::body::Body;
use http_body_util::BodyExt;
use model::StepUp;
use serde_json::{Value, json};
use world::{
    World, modern,
    upstream::{reply, stream},
};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

async fn bounded(bound: Value) -> World {
    World::start_configured(json!({"answer_bytes": bound})).await
}

/// An answer of exactly so many bytes.
fn answer(bytes: usize) -> String {
    let empty = json!({"jsonrpc": "2.0", "id": 1, "result": {"content": [], "x": ""}}).to_string();
    empty.replace("\"x\":\"\"", &format!("\"x\":\"{}\"", "x".repeat(bytes - empty.len())))
}

/// The body of an answer that comes without its length, in pieces.
fn unannounced(text: &str) -> Body {
    let pieces: Vec<_> =
        text.as_bytes().chunks(512).map(|piece| Ok::<_, std::convert::Infallible>(piece.to_vec())).collect();
    Body::from_stream(futures_util::stream::iter(pieces))
}

async fn open(world: &World, method: &str, params: Value) -> http::Response<net::Body> {
    let bearer = format!("Bearer {}", world.token());
    let (headers, body) = modern(method, params);
    let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.extend([("authorization", bearer.as_str()), ("content-type", "application/json")]);
    world.open(http::Method::POST, "/mcp/tickets", &headers, body).await
}

/// Field: G16
#[tokio::test]
async fn an_answer_of_the_longest_length_passes_and_one_byte_more_may_have_been_done() {
    let world = bounded(json!(2048)).await;
    world.upstream.answers(|_| Some(reply(200, &JSON, answer(2048))));
    world.modern_tool("get_ticket").await.answered();
    world.upstream.answers(|_| Some(reply(200, &JSON, answer(2049))));
    for refused in [world.modern_tool("get_ticket").await, world.legacy_tool("get_ticket").await] {
        let refused = refused.refused(200, -31001).json();
        assert_eq!((&refused["id"], &refused["error"]["data"]["mayHaveBeenDone"]), (&json!(1), &json!(true)));
        assert!(refused["error"]["message"].as_str().unwrap().contains("`answer_bytes`"), "{refused}");
    }
    let outcomes: Vec<_> =
        world.records().await.into_iter().filter_map(|mut record| record.get_mut("outcome").map(Value::take)).collect();
    assert!(outcomes.contains(&json!("answer_too_long")), "{outcomes:?}");
}

/// What was approved was sent and may be done: the approval is spent.
///
/// Field: G16
#[tokio::test]
async fn an_approval_is_spent_by_a_call_whose_answer_is_too_long() {
    let world = bounded(json!(64)).await;
    world.elevate("elv_1", "tickets.delete_ticket", StepUp::Approval, 1).await;
    world.modern_tool("delete_ticket").await.refused(200, -31001);
    world.modern_tool("delete_ticket").await.challenged("tickets.delete_ticket");
}

/// A part of it is gone already when it turns out to be too long, and a clean end would make that look whole.
///
/// Field: G16
#[tokio::test]
async fn an_answer_that_does_not_say_how_long_it_is_breaks_off() {
    let world = bounded(json!(2048)).await;
    world.upstream.answers(|_| Some(reply(200, &JSON, unannounced(&answer(2048)))));
    world.modern_tool("get_ticket").await.answered();
    world.upstream.answers(|_| Some(reply(200, &JSON, unannounced(&answer(9000)))));
    let response = open(&world, "tools/call", json!({"name": "get_ticket"})).await;
    assert!(response.into_body().collect().await.is_err());
    while !world
        .records()
        .await
        .iter()
        .any(|record| record["outcome"] == "answer_too_long" && record["done"] == "unknown")
    {
        tokio::task::yield_now().await;
    }
}

/// Field: G16
#[tokio::test]
async fn the_bound_is_off_only_on_purpose() {
    let long = 17 << 20;
    let world = World::start().await;
    world.upstream.answers(move |_| Some(reply(200, &JSON, answer(long))));
    world.modern_tool("get_ticket").await.refused(200, -31001);
    let world = bounded(json!("unlimited")).await;
    world.upstream.answers(move |_| Some(reply(200, &JSON, answer(long))));
    assert_eq!(world.modern_tool("get_ticket").await.answered().body.len(), long);
}

/// Field: G16
#[tokio::test]
async fn each_event_of_a_stream_is_measured_and_not_the_stream() {
    let world = bounded(json!(2048)).await;
    let (upstream, response) = stream();
    let mut response = Some(response);
    world.upstream.answers(move |_| response.take());
    let mut body = open(&world, "tools/call", json!({"name": "get_ticket"})).await.into_body();
    let event = format!("data: {{\"method\":\"{}\"}}\n\n", "x".repeat(1000));
    for _ in 0..10 {
        upstream.send(event.clone()).unwrap();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), event);
    }
    let half = format!("data: {{\"method\":\"{}", "x".repeat(1500));
    upstream.send(half.clone()).unwrap();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), half);
    upstream.send("x".repeat(1500)).unwrap();
    let last = body.frame().await.unwrap().unwrap().into_data().unwrap();
    let last = std::str::from_utf8(&last).unwrap();
    assert!(last.starts_with("\n\nevent: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"error\":"), "{last}");
    assert!(last.contains("`answer_bytes`") && last.contains("mayHaveBeenDone"), "{last}");
    assert!(body.frame().await.is_none());
    upstream.closed().await;
}
