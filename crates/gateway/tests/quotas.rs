//! What one grant can take of the gateway, and what its refusals can take of the log.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod world;

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use futures_util::{
    StreamExt,
    future::{Either, select},
    stream,
};
use http::{Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use model::{Span, config::Config};
use portcullis_gateway::{Gateway, GatewayParts};
use serde_json::json;
use store::{Commit, StoreError};
use world::{HOST, World, modern, upstream::reply};

/// Three calls, two streams and 4096 bytes for each grant; the upstream answers streams with streams.
async fn world() -> World {
    let mut world = World::start().await;
    let config: Config = serde_json::from_value(json!({
        "public_url": "http://127.0.0.1:8420",
        "limits": {"request_bytes": 4096, "per_grant": {"calls": 3, "bytes": 4096, "streams": 2}},
        "servers": {"tickets": {"url": world.upstream.url(), "definitions": "unpinned", "tools": {"get_*": "low", "delete_*": "high"}}},
    }))
    .unwrap();
    let policies = Arc::new(policy::Policies::load(&[]).unwrap());
    let parts = GatewayParts { config: Arc::new(config), store: world.store.clone(), policies };
    world.gateway = Gateway::new(parts).unwrap();
    world
}

/// From now on every answer is a stream that stays open.
fn streams_without_end(world: &World) {
    world.upstream.answers(|_| {
        let endless = stream::pending::<Result<Bytes, Infallible>>();
        Some(reply(200, &[("content-type", "text/event-stream")], axum::body::Body::from_stream(endless)))
    });
}

async fn listen(world: &World) -> Response<net::Body> {
    let bearer = format!("Bearer {}", world.token());
    let headers =
        [("authorization", bearer.as_str()), ("mcp-protocol-version", "2025-11-25"), ("accept", "text/event-stream")];
    world.open(Method::GET, "/mcp/tickets", &headers, "").await
}

async fn call(world: &World, method: &str, params: serde_json::Value) -> Response<net::Body> {
    let bearer = format!("Bearer {}", world.token());
    let (headers, body) = modern(method, params);
    let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.extend([("authorization", bearer.as_str()), ("content-type", "application/json")]);
    world.open(Method::POST, "/mcp/tickets", &headers, body).await
}

async fn get_ticket(world: &World) -> Response<net::Body> {
    call(world, "tools/call", json!({"name": "get_ticket", "arguments": {}})).await
}

/// Waits until the ends of so many calls are on disk, and their room is given back: which is just after.
async fn ended(world: &World, count: usize) {
    while world.records().await.iter().filter(|record| record["event"] == "call_ended").count() < count {
        tokio::task::yield_now().await;
    }
    // Whoever waits for a change has waited for the answers to those before it.
    let nothing = world.store.write::<_, StoreError, _>(|_| Box::pin(async { Ok(Commit::nothing(())) }));
    nothing.await.unwrap();
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
}

/// Told to come again, and recorded.
async fn too_many(world: &World, response: Response<net::Body>, word: &str) -> serde_json::Value {
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()["retry-after"], "1");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["error"]["code"], 429, "{body}");
    assert_eq!(world.last("call_refused").await.unwrap()["reason"], word);
    body
}

/// Field: S5
#[tokio::test]
async fn a_grant_has_so_many_streams_and_its_calls_go_on_beside_them() {
    let world = world().await;
    streams_without_end(&world);
    let first = listen(&world).await;
    let second = call(&world, "subscriptions/listen", json!({"notifications": {}})).await;
    assert_eq!((first.status(), second.status()), (StatusCode::OK, StatusCode::OK));
    too_many(&world, listen(&world).await, "too_many_streams").await;
    let third = call(&world, "subscriptions/listen", json!({"notifications": {}})).await;
    assert_eq!(too_many(&world, third, "too_many_streams").await["id"], 1);
    assert_eq!(get_ticket(&world).await.status(), StatusCode::OK);
    drop(first);
    ended(&world, 2).await;
    assert_eq!(listen(&world).await.status(), StatusCode::OK);
}

/// Field: S5
#[tokio::test]
async fn a_grant_has_so_many_calls_until_their_answers_are_over() {
    let world = world().await;
    streams_without_end(&world);
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(get_ticket(&world).await);
        assert_eq!(held.last().unwrap().status(), StatusCode::OK);
    }
    too_many(&world, get_ticket(&world).await, "too_many_calls").await;
    assert_eq!(listen(&world).await.status(), StatusCode::OK, "a stream is no call");
    held.pop();
    ended(&world, 1).await;
    held.push(get_ticket(&world).await);
    assert_eq!(held.last().unwrap().status(), StatusCode::OK);
    held.clear();
    world.upstream.answers(|_| None);
    ended(&world, 5).await;
    for count in 0..10 {
        world.modern_tool("get_ticket").await.answered();
        ended(&world, 6 + count).await;
    }
}

/// What fills the house must not keep out what empties it.
///
/// Field: S5
#[tokio::test]
async fn a_call_can_be_cancelled_when_all_calls_are_under_way() {
    let world = world().await;
    streams_without_end(&world);
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(get_ticket(&world).await);
    }
    world.upstream.answers(|_| Some(reply(202, &[], "")));
    let notify = async |method: &str| {
        let body = json!({"jsonrpc": "2.0", "method": method, "params": {"requestId": 1}}).to_string();
        world.post(&[("mcp-protocol-version", "2025-11-25")], body).await.status
    };
    assert_eq!(notify("notifications/progress").await, StatusCode::TOO_MANY_REQUESTS);
    for _ in 0..10 {
        assert_eq!(notify("notifications/cancelled").await, StatusCode::ACCEPTED);
    }
    too_many(&world, get_ticket(&world).await, "too_many_calls").await;
}

/// Whoever hangs up leaves an end to be written down; hanging up must not buy any number of those.
///
/// Field: S2, S5
#[tokio::test]
async fn a_call_counts_until_its_end_is_on_disk_although_its_client_left() {
    let world = world().await;
    world.modern_tool("get_ticket").await.answered();
    ended(&world, 1).await;
    world.upstream.hangs();
    let sent = async {
        while world.upstream.arrived().len() < 4 {
            tokio::task::yield_now().await;
        }
    };
    let calls = futures_util::future::join3(get_ticket(&world), get_ticket(&world), get_ticket(&world));
    assert!(matches!(select(Box::pin(calls), Box::pin(sent)).await, Either::Right(..)), "and the calls are dropped");
    too_many(&world, get_ticket(&world).await, "too_many_calls").await;
    ended(&world, 4).await;
    assert!(futures_util::poll!(&mut Box::pin(get_ticket(&world))).is_pending(), "there is room again");
}

/// A body that was announced, or that comes in pieces and never ends.
///
/// Field: S5
#[tokio::test]
async fn a_grant_has_so_many_bytes_under_way_whether_announced_or_not() {
    let world = world().await;
    let post = |announced: Option<usize>, sent: usize| {
        let (world, bearer) = (&world, format!("Bearer {}", world.token()));
        let pieces = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from(vec![b' '; sent])))]);
        let body = StreamBody::new(pieces.chain(stream::pending()));
        let request = Request::post("/mcp/tickets").header("host", HOST).header("content-type", "application/json");
        let request = request.header("authorization", bearer);
        async move {
            match announced {
                Some(length) => world.gateway.handle(request.body(Announced(body, length)).unwrap()).await,
                None => world.gateway.handle(request.body(body).unwrap()).await,
            }
        }
    };
    // The token is known from now on, so the first poll of what follows comes to the body.
    world.modern_tool("get_ticket").await.answered();
    let mut chunked = Box::pin(post(None, 3000));
    assert!(futures_util::poll!(&mut chunked).is_pending());
    too_many(&world, post(Some(2000), 0).await, "too_many_bytes").await;
    too_many(&world, post(None, 2000).await, "too_many_bytes").await;
    world.modern_tool("get_ticket").await.answered();
    drop(chunked);
    let mut announced = Box::pin(post(Some(4000), 0));
    assert!(futures_util::poll!(&mut announced).is_pending());
    too_many(&world, post(None, 2000).await, "too_many_bytes").await;
}

/// Field: S5
#[tokio::test]
async fn refusals_that_come_in_a_flood_are_counted_and_what_is_allowed_goes_on() {
    let world = world().await;
    world.modern_tool("get_ticket").await.answered();
    world.eventually("call_ended").await;
    let before = world.store.log_size().await.unwrap();
    let mut told = Vec::new();
    for _ in 0..500 {
        told.push(world.modern_tool("delete_ticket").await);
    }
    let (stepped_up, told_off) = told.split_at(20);
    assert!(stepped_up.iter().all(|answer| answer.status == StatusCode::FORBIDDEN));
    for answer in told_off {
        assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "10"));
        assert_eq!(answer.json()["id"], 1);
    }
    assert_eq!(world.store.log_size().await.unwrap() - before, 20);
    world.modern_tool("get_ticket").await.answered();
    world.clock.advance(Span::from_seconds(60));
    world.gateway.write_counted(false).await;
    let counted = world.last("call_refused").await.unwrap();
    assert_eq!((&counted["count"], &counted["reason"]), (&json!(480), &json!("step_up")));
    world.clock.advance(Span::from_seconds(61));
    world.modern_tool("delete_ticket").await.challenged("tickets.delete_ticket");
}

/// A refusal before anybody knows what is wanted counts as one after.
///
/// Field: S5
#[tokio::test]
async fn malformed_requests_of_a_live_token_are_counted_as_well() {
    let world = world().await;
    let before = world.store.log_size().await.unwrap();
    for n in 0..100 {
        let answer = world.post(&[], "not json").await;
        assert_eq!(answer.status.as_u16(), if n < 20 { 400 } else { 429 });
    }
    assert_eq!(world.store.log_size().await.unwrap() - before, 20);
    world.gateway.write_counted(true).await;
    assert_eq!(world.last("call_refused").await.unwrap()["count"], 80, "nothing is lost at the end");
}

/// Strangers leave nothing in the audit log, however many.
///
/// Field: S5
#[tokio::test]
async fn requests_without_a_token_or_with_one_of_somebody_elses_leave_no_record() {
    let world = world().await;
    let before = world.store.log_size().await.unwrap();
    for token in ["", "Bearer nonsense", "Bearer a.b.c", "Basic YTpi"].repeat(50) {
        let answer = world.send(Method::POST, "/mcp/tickets", &[("authorization", token)], "{}").await;
        assert!(matches!(answer.status.as_u16(), 400 | 401), "{}", answer.status);
    }
    world.gateway.write_counted(true).await;
    assert_eq!(world.store.log_size().await.unwrap(), before);
}

/// A body that says how long it is.
struct Announced<B>(B, usize);

impl<B: http_body::Body + Unpin> http_body::Body for Announced<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        std::pin::Pin::new(&mut self.0).poll_frame(cx)
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.1 as u64)
    }
}
