//! What is taken away while a call is under way counts.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod world;

use std::{future::Future, pin::pin, task::Poll};

use axum::body::Body;
use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt;
use model::{Span, StepUp};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;
use world::{
    World, modern,
    upstream::{reply, stream},
};

async fn next(body: &mut net::Body) -> Option<String> {
    let frame = tokio::time::timeout(std::time::Duration::from_secs(5), body.frame()).await.expect("in time")?;
    Some(String::from_utf8(frame.unwrap().into_data().unwrap_or(Bytes::new()).to_vec()).unwrap())
}

async fn sent(world: &World, method: &str, params: Value) -> http::Response<net::Body> {
    let bearer = format!("Bearer {}", world.token());
    let (headers, body) = modern(method, params);
    let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.extend([("authorization", bearer.as_str()), ("content-type", "application/json")]);
    world.open(Method::POST, "/mcp/tickets", &headers, body).await
}

/// A POST that the upstream answers with an open stream.
async fn open(world: &World, method: &str, params: Value) -> (UnboundedSender<String>, net::Body) {
    let (sender, response) = stream();
    let mut response = Some(response);
    world.upstream.answers(move |_| response.take());
    (sender, sent(world, method, params).await.into_body())
}

/// Between the decision and the moment at which its record is on disk.
#[tokio::test]
async fn a_tool_that_is_switched_off_while_the_record_is_written_is_not_called() {
    let world = World::start().await;
    world.modern_tool("get_ticket").await.answered();
    // The token is known by now, so the call is decided on before the block takes effect, and recorded after it.
    let ((), answer) = tokio::join!(world.revoke("tool", "tickets.get_ticket"), world.modern_tool("get_ticket"));
    answer.tool_error("switched off");
    assert!(world.records().await.iter().filter(|record| record["event"] == "call_decided").count() == 2);
    assert_eq!(world.upstream.arrived().len(), 1);
}

#[tokio::test]
async fn an_elevation_that_is_ended_while_the_record_is_written_opens_nothing() {
    let world = World::start().await;
    world.elevate("elv_1", "tickets.delete_ticket", StepUp::Approval, 9).await;
    world.modern_tool("delete_ticket").await.answered();
    let (_, answer) = tokio::join!(world.end_elevation("elv_1"), world.modern_tool("delete_ticket"));
    answer.challenged("tickets.delete_ticket");
    assert_eq!(world.upstream.arrived().len(), 1);
}

/// Field: G1
#[tokio::test]
async fn whoever_is_revoked_while_the_upstream_thinks_is_told_that_it_may_be_done() {
    let world = World::start().await;
    world.upstream.hangs();
    let revoke = async {
        world.upstream.first().await;
        world.revoke("agent", "bot@ada").await;
    };
    let (answer, ()) = tokio::join!(world.modern_tool("get_ticket"), revoke);
    let answer = answer.refused(200, -31001);
    assert!(answer.text().contains("access was revoked while the call was under way: it may have been done"));
    assert_eq!(world.eventually("call_ended").await["outcome"], "authority_ended");
}

/// Field: G3
#[tokio::test]
async fn an_elevation_that_is_ended_while_the_upstream_thinks_cuts_and_is_not_asked_for_again() {
    let world = World::start().await;
    world.upstream.hangs();
    world.elevate("elv_1", "tickets.delete_ticket", StepUp::Approval, 9).await;
    let end = async {
        world.upstream.first().await;
        world.end_elevation("elv_1").await;
    };
    let (answer, ()) = tokio::join!(world.modern_tool("delete_ticket"), end);
    answer.refused(200, -31001);
    assert_eq!(world.eventually("call_ended").await["outcome"], "authority_ended");
}

#[tokio::test]
async fn whoever_is_revoked_while_a_list_is_read_gets_no_list() {
    let world = World::start().await;
    world.upstream.answers(|_| {
        let endless = futures_util::stream::pending::<Result<Bytes, std::convert::Infallible>>();
        Some(reply(200, &[("content-type", "application/json")], Body::from_stream(endless)))
    });
    let revoke = async {
        world.upstream.first().await;
        world.revoke("agent", "bot@ada").await;
    };
    let (answer, ()) = tokio::join!(world.modern("tools/list", json!({})), revoke);
    answer.refused(200, -31001);
    assert_eq!(world.eventually("call_ended").await["outcome"], "authority_ended");
}

/// Field: G2, G3
#[tokio::test]
async fn the_stream_of_a_call_outlives_the_time_of_its_elevation_and_token() {
    let world = World::start().await;
    world.elevate("elv_1", "tickets.delete_ticket", StepUp::Approval, 9).await;
    let (upstream, mut body) = open(&world, "tools/call", json!({"name": "delete_ticket"})).await;
    upstream.send("data: 1\n\n".into()).unwrap();
    assert_eq!(next(&mut body).await.unwrap(), "data: 1\n\n");
    world.clock.advance(Span::from_minutes(30));
    let answer = "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n";
    upstream.send(answer.into()).unwrap();
    assert_eq!(next(&mut body).await.unwrap(), answer);
    // What follows the answer has a moment.
    world.clock.advance(Span::from_seconds(6));
    upstream.send("data: too late\n\n".into()).unwrap_or(());
    assert_eq!(next(&mut body).await, None);
    assert_eq!(world.eventually("call_ended").await["done"], "answered");
}

#[tokio::test]
async fn a_stream_ends_when_its_elevation_is_ended() {
    let world = World::start().await;
    world.elevate("elv_1", "tickets.delete_ticket", StepUp::Approval, 9).await;
    let (upstream, mut body) = open(&world, "tools/call", json!({"name": "delete_ticket"})).await;
    let (end, _) = tokio::join!(next(&mut body), world.end_elevation("elv_1"));
    assert!(end.unwrap().contains("the elevation was ended while the call was under way: it may have been done"));
    assert_eq!(next(&mut body).await, None);
    upstream.closed().await;
    assert_eq!(world.eventually("call_ended").await["outcome"], "authority_ended");
}

/// The last use ends an elevation, and is a use.
#[tokio::test]
async fn a_stream_outlives_the_uses_of_its_elevation() {
    let world = World::start().await;
    world.elevate("elv_1", "tickets.delete_ticket", StepUp::Approval, 1).await;
    let (upstream, mut body) = open(&world, "tools/call", json!({"name": "delete_ticket"})).await;
    world.revoke("agent", "another").await;
    upstream.send("data: 1\n\n".into()).unwrap();
    assert_eq!(next(&mut body).await.unwrap(), "data: 1\n\n");
}

/// Lists in a long stream show what holds now.
#[tokio::test]
async fn a_list_in_a_stream_shows_what_holds_when_it_comes() {
    let world = World::start().await;
    let list = "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":\"create_ticket\"}]}}\n\n";
    world.elevate("elv_1", "tickets:medium", StepUp::Consent, 9).await;
    let (upstream, mut body) = listening(&world).await;
    upstream.send(list.into()).unwrap();
    assert!(next(&mut body).await.unwrap().contains("\"usable\""));
    world.end_elevation("elv_1").await;
    upstream.send(list.into()).unwrap();
    assert!(next(&mut body).await.unwrap().contains("\"step_up\""));

    world.elevate("elv_2", "tickets:medium", StepUp::Consent, 9).await;
    let (upstream, mut body) = listening(&world).await;
    upstream.send(list.into()).unwrap();
    assert!(next(&mut body).await.unwrap().contains("\"usable\""));
    world.clock.advance(Span::from_minutes(5));
    upstream.send(list.into()).unwrap();
    assert!(next(&mut body).await.unwrap().contains("\"step_up\""));
    world.revoke("tool", "tickets.create_ticket").await;
    upstream.send(list.into()).unwrap();
    assert!(!next(&mut body).await.unwrap().contains("create_ticket"));
}

/// A session's stream of what the server has to say, resumed: it may replay lists.
async fn listening(world: &World) -> (UnboundedSender<String>, net::Body) {
    world.upstream.answers(|_| None);
    let session = world.legacy("initialize", json!({}), &[]).await.header("mcp-session-id").to_owned();
    let (sender, response) = stream();
    let mut response = Some(response);
    world.upstream.answers(move |_| response.take());
    let bearer = format!("Bearer {}", world.token());
    let headers = [
        ("authorization", bearer.as_str()),
        ("mcp-protocol-version", "2025-11-25"),
        ("mcp-session-id", session.as_str()),
        ("accept", "text/event-stream"),
    ];
    (sender, world.open(Method::GET, "/mcp/tickets", &headers, "").await.into_body())
}

/// Also when the client leaves before it is on disk.
#[tokio::test]
async fn every_decision_has_an_outcome() {
    let world = World::start().await;
    world.modern_tool("get_ticket").await.answered();
    {
        let mut call = pin!(world.modern_tool("get_ticket"));
        // The token is known by now, so this goes as far as asking for the record.
        let pending = std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_pending())).await;
        assert!(pending);
    }
    let both = async {
        loop {
            let records = world.records().await;
            let of = |name: &str| -> Vec<Value> {
                let found = records.iter().filter(|record| record["event"] == name);
                found.map(|record| record["request"].clone()).collect()
            };
            let (decided, ended) = (of("call_decided"), of("call_ended"));
            if decided.len() == 2 && decided.iter().all(|request| ended.contains(request)) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(5), both).await.expect("every outcome is written");
    assert_eq!(world.last("call_ended").await.unwrap()["outcome"], "client_gone");
    assert_eq!(world.upstream.arrived().len(), 1);
}
