//! How long a server may take, and how a stream that says nothing is kept.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod world;

use std::time::Duration;

use http::Method;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::time::Instant;
use world::{Answer, World, gateway, modern, upstream::stream};

/// Calls a tool that takes `seconds` to answer.
async fn slow_tool(world: &World, seconds: u64) -> Answer {
    world.upstream.holds();
    let takes_its_time = async {
        world.upstream.first().await;
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(seconds)).await;
        tokio::time::resume();
        world.upstream.goes_on();
    };
    let (answer, ()) = tokio::join!(world.modern_tool("get_ticket"), takes_its_time);
    answer
}

/// Field: G12
#[tokio::test]
async fn a_server_with_slow_tools_has_a_time_of_its_own() {
    let world = World::start_configured(json!({"timeout": "30s"})).await;
    slow_tool(&world, 29).await.answered();
    let world = World::start_configured(json!({"timeout": "30s"})).await;
    let answer = slow_tool(&world, 31).await.refused(200, -31001);
    assert!(answer.text().contains("did not answer in time: it may have been done"), "{}", answer.text());
}

/// Field: G12
#[tokio::test]
async fn the_time_of_a_server_is_none_or_longer_than_any_call_may_take_in_no_case() {
    let world = World::start().await;
    let made = |timeout: &str| gateway(&world.store, "http://127.0.0.1:1/mcp", "", &json!({"timeout": timeout}));
    assert!(made("2h").is_ok());
    for refused in ["0s", "7201s"] {
        let why = made(refused).unwrap_err().to_string();
        assert!(why.starts_with("server `tickets`: `timeout` is") && why.contains("1s to 2h"), "{why}");
    }
}

/// GET with a session, as the old era opens its stream.
async fn listen(world: &World) -> http::Response<net::Body> {
    let session = world.legacy("initialize", json!({}), &[]).await.header("mcp-session-id").to_owned();
    let bearer = format!("Bearer {}", world.token());
    let headers = [("authorization", bearer.as_str()), ("mcp-session-id", session.as_str())];
    let (sender, response) = stream();
    let mut response = Some((sender, response));
    world.upstream.answers(move |_| {
        let (sender, response) = response.take()?;
        std::mem::forget(sender);
        Some(response)
    });
    world.open(Method::GET, "/mcp/tickets", &headers, "").await
}

/// Some servers send the head of such a stream with its first event.
///
/// Field: G12
#[tokio::test]
async fn the_head_of_a_stream_that_only_listens_is_waited_for_longer_than_that_of_an_answer() {
    let world = World::start().await;
    world.upstream.holds_only(Method::GET);
    let says_nothing = async {
        world.upstream.nth(2).await;
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(120)).await;
        tokio::time::resume();
        world.upstream.goes_on();
    };
    let (response, ()) = tokio::join!(listen(&world), says_nothing);
    assert_eq!(response.status(), 200);
}

/// What comes next of a stream on which nothing happens, and after how many seconds.
async fn first_word(response: http::Response<net::Body>) -> (String, u64) {
    let mut body = response.into_body();
    tokio::time::pause();
    let began = Instant::now();
    let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
    let seconds = began.elapsed().as_secs();
    tokio::time::resume();
    (String::from_utf8(frame.to_vec()).unwrap(), seconds)
}

/// Field: G12
#[tokio::test]
async fn a_stream_that_only_listens_says_every_fifteen_seconds_that_it_lives() {
    let world = World::start().await;
    assert_eq!(first_word(listen(&world).await).await, (":\n\n".into(), 15));
}

/// Field: G12
#[tokio::test]
async fn so_does_a_subscription_and_the_stream_of_a_call_that_takes_its_time() {
    for (method, params) in
        [("subscriptions/listen", json!({})), ("tools/call", json!({"name": "get_ticket"})), ("tools/list", json!({}))]
    {
        let world = World::start().await;
        let (_upstream, response) = stream();
        let mut response = Some(response);
        world.upstream.answers(move |_| response.take());
        let bearer = format!("Bearer {}", world.token());
        let (headers, body) = modern(method, params);
        let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.extend([("authorization", bearer.as_str()), ("content-type", "application/json")]);
        let response = world.open(Method::POST, "/mcp/tickets", &headers, body).await;
        assert_eq!(first_word(response).await, (":\n\n".into(), 15), "{method}");
    }
}

/// Field: G12
#[tokio::test]
async fn a_stream_of_known_length_is_not_announced_because_we_may_add_to_it() {
    let world = World::start().await;
    let event = "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n";
    world.upstream.answers(move |_| Some(world::upstream::reply(200, &[("content-type", "text/event-stream")], event)));
    let bearer = format!("Bearer {}", world.token());
    let (headers, body) = modern("tools/call", json!({"name": "get_ticket"}));
    let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.extend([("authorization", bearer.as_str()), ("content-type", "application/json")]);
    let response = world.open(Method::POST, "/mcp/tickets", &headers, body).await;
    assert_eq!(http_body::Body::size_hint(response.body()).exact(), None);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), event);
}

/// A server that forgot a session and says 401 has nothing against the gateway's credentials.
///
/// Field: G18
#[tokio::test]
async fn a_401_without_a_challenge_to_a_session_is_a_session_that_is_over() {
    let world = World::start().await;
    let session = world.legacy("initialize", json!({}), &[]).await.header("mcp-session-id").to_owned();
    let refuse = |world: &World, challenge: Option<&'static str>| {
        world.upstream.answers(move |_| {
            let headers: Vec<_> = challenge.map(|challenge| ("www-authenticate", challenge)).into_iter().collect();
            Some(world::upstream::reply(401, &headers, "Session not found"))
        });
    };
    refuse(&world, None);
    let named = [("mcp-session-id", session.as_str())];
    let answer = world.legacy("tools/list", json!({}), &named).await.refused(404, 404);
    assert!(answer.text().contains("initialize again"), "{}", answer.text());

    let credentials = |answer: Answer| {
        let message: Value = answer.refused(502, 502).json();
        assert!(message["error"]["message"].as_str().unwrap().contains("the gateway's own credentials"), "{message}");
    };
    credentials(world.legacy("initialize", json!({}), &[]).await);
    credentials(world.modern_tool("get_ticket").await);
    refuse(&world, Some("Bearer"));
    credentials(world.legacy("tools/list", json!({}), &named).await);
}

/// Field: G18
#[tokio::test]
async fn a_404_to_a_session_is_handed_on_so_that_its_client_initializes_again() {
    let world = World::start().await;
    let session = world.legacy("initialize", json!({}), &[]).await.header("mcp-session-id").to_owned();
    world
        .upstream
        .answers(|_| Some(world::upstream::reply(404, &[("content-type", "text/plain")], "Session not found")));
    let answer = world.legacy("tools/call", json!({"name": "get_ticket"}), &[("mcp-session-id", &session)]).await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (404, "Session not found"));
}
