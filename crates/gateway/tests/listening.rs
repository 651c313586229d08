//! Streams that only listen: how they begin when their server says nothing, and how they end when the gateway does.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod world;

use std::{net::SocketAddr, time::Duration};

use http::Method;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    time::{Instant, timeout},
};
use world::{
    BOTH, World, modern,
    upstream::{reply, stream},
};

/// The two ways to listen: a GET with a session, and a request that is answered when it ends.
#[derive(Clone, Copy, Debug)]
enum By {
    Get,
    Subscription,
}

impl By {
    const ALL: [Self; 2] = [Self::Get, Self::Subscription];

    /// Method, headers and body of such a request.
    async fn request(self, world: &World) -> (Method, Vec<(&'static str, String)>, String) {
        let bearer = ("authorization", format!("Bearer {}", world.token()));
        match self {
            Self::Get => {
                let session = world.legacy("initialize", json!({}), &[]).await.header("mcp-session-id").to_owned();
                (Method::GET, vec![bearer, ("mcp-session-id", session)], String::new())
            }
            Self::Subscription => {
                let (mut headers, body) = modern("subscriptions/listen", json!({}));
                headers.extend([bearer, ("content-type", "application/json".into()), ("accept", BOTH.into())]);
                (Method::POST, headers, body)
            }
        }
    }

    async fn open(self, world: &World) -> http::Response<net::Body> {
        let (method, headers, body) = self.request(world).await;
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        world.open(method, "/mcp/tickets", &headers, body).await
    }
}

/// A stream whose server takes the request and says nothing. Returns its body with the clock standing still.
async fn begun(world: &World, by: By) -> (net::Body, Instant) {
    // So that it exists before its request waits: `initialize` is answered.
    let (method, headers, body) = by.request(world).await;
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let before = world.upstream.arrived().len();
    world.upstream.holds();
    let arrives = async {
        world.upstream.nth(before + 1).await;
        tokio::time::pause();
        Instant::now()
    };
    let (response, began) = tokio::join!(world.open(method, "/mcp/tickets", &headers, body), arrives);
    assert_eq!((response.status().as_u16(), seconds(began)), (200, 5), "{by:?}");
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    (response.into_body(), began)
}

/// To the nearest one: the clock stands still only from the moment that the request has arrived.
fn seconds(began: Instant) -> u64 {
    (began.elapsed() + Duration::from_millis(500)).as_secs()
}

async fn next(body: &mut net::Body) -> String {
    let frame = body.frame().await.expect("the stream goes on").unwrap().into_data().unwrap();
    String::from_utf8(frame.to_vec()).unwrap()
}

/// Spec: MCP basic/transports/streamable-http (listening for messages from the server)
/// Field: G12
#[tokio::test]
async fn a_stream_whose_server_says_nothing_begins_after_five_seconds_and_says_that_it_lives() {
    for by in By::ALL {
        let world = World::start().await;
        let (mut body, began) = begun(&world, by).await;
        for second in [5, 20, 35] {
            assert_eq!((next(&mut body).await.as_str(), seconds(began)), (":\n\n", second), "{by:?}");
        }
        let (sender, response) = stream();
        let mut response = Some(response);
        world.upstream.answers(move |_| response.take());
        sender.send("event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}\n\n".into()).unwrap();
        tokio::time::resume();
        world.upstream.goes_on();
        let event = next(&mut body).await;
        assert!(event.contains("notifications/x"), "{by:?}: {event}");
        assert_eq!(
            world.records().await.iter().filter(|record| record["event"] == "call_decided").count(),
            match by {
                By::Get => 2,
                By::Subscription => 1,
            }
        );
    }
}

/// The status is out by then, so a GET can only end. A request has an answer, also then.
///
/// Field: G12
#[tokio::test]
async fn a_refusal_that_comes_late_ends_the_stream_and_answers_the_request() {
    for by in By::ALL {
        for (status, content) in [(405, "text/plain"), (200, "application/json"), (401, "text/plain")] {
            let world = World::start().await;
            let (mut body, _) = begun(&world, by).await;
            assert_eq!(next(&mut body).await, ":\n\n");
            world.upstream.answers(move |_| Some(reply(status, &[("content-type", content)], "{}")));
            tokio::time::resume();
            world.upstream.goes_on();
            let rest = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
            match by {
                By::Get => assert_eq!(rest, "", "{status}"),
                By::Subscription => {
                    let message = rest.strip_prefix("event: message\ndata: ").unwrap_or_else(|| panic!("{rest}"));
                    let message: Value = serde_json::from_str(message).unwrap();
                    assert_eq!((&message["id"], &message["error"]["code"]), (&json!(1), &json!(502)), "{message}");
                }
            }
        }
    }
}

/// Spec: MCP basic/transports/streamable-http (405 when the server offers no such stream)
/// Field: G12
#[tokio::test]
async fn a_refusal_that_comes_soon_keeps_its_status() {
    let world = World::start().await;
    world.upstream.answers(|arrived| (arrived.method == Method::GET).then(|| reply(405, &[("allow", "POST")], "no")));
    let response = By::Get.open(&world).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["allow"]),
        (405, &http::HeaderValue::from_static("POST"))
    );
}

/// What a person takes away ends a stream that was begun without its server like any other.
///
/// Field: G12
#[tokio::test]
async fn a_revocation_ends_a_stream_whose_server_never_said_a_word() {
    let world = World::start().await;
    let (mut body, _) = begun(&world, By::Get).await;
    assert_eq!(next(&mut body).await, ":\n\n");
    tokio::time::resume();
    world.revoke("agent", "bot@ada").await;
    let rest = timeout(Duration::from_secs(5), body.collect()).await.expect("ends at once").unwrap();
    assert_eq!(rest.to_bytes(), "");
    ended(&world, "authority_ended", 1).await;
}

/// A listener before the gateway, and what asks it to end.
async fn listener(world: &World) -> (SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let listener = net::Listener::bind("127.0.0.1:0".parse().unwrap(), None).await.unwrap();
    let (address, gateway) = (listener.local_addr(), world.gateway.clone());
    let (shutdown, asked) = oneshot::channel();
    let service = move |request| {
        let gateway = gateway.clone();
        async move { gateway.handle(request).await }
    };
    (address, shutdown, tokio::spawn(listener.serve(net::ListenLimits::default(), service, asked)))
}

/// Sends the request on a connection of its own, and reads as far as the end of the head.
async fn connect(
    address: SocketAddr,
    (method, headers, body): (Method, Vec<(&'static str, String)>, String),
) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut head =
        format!("{method} /mcp/tickets HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n", world::HOST, body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
    stream
}

async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

async fn rest(mut stream: TcpStream) -> String {
    let mut rest = String::new();
    timeout(Duration::from_secs(5), stream.read_to_string(&mut rest)).await.expect("should end at once").unwrap();
    rest
}

/// A deployment used to wait ten seconds for streams on which nothing would ever end, and to cut them without a word.
///
/// Field: G12
#[tokio::test]
async fn streams_that_only_listen_end_properly_when_the_gateway_begins_to_stop_and_calls_go_on() {
    let world = World::start().await;
    let (address, shutdown, serving) = listener(&world).await;
    let mut senders = Vec::new();
    let mut open = async |by: By| {
        let request = by.request(&world).await;
        let (sender, response) = stream();
        let mut response = Some(response);
        world.upstream.answers(move |_| response.take());
        let mut connection = connect(address, request).await;
        assert!(head(&mut connection).await.starts_with("HTTP/1.1 200"), "{by:?}");
        senders.push(sender);
        connection
    };
    let (get, subscription) = (open(By::Get).await, open(By::Subscription).await);
    let silent = By::Get.request(&world).await;
    world.upstream.holds();
    let arrived = world.upstream.arrived().len();
    let silent = connect(address, silent).await;
    let (mut headers, body) = modern("tools/call", json!({"name": "get_ticket"}));
    headers.push(("authorization", format!("Bearer {}", world.token())));
    headers.push(("content-type", "application/json".into()));
    let call = connect(address, (Method::POST, headers, body)).await;
    world.upstream.nth(arrived + 2).await;

    shutdown.send(()).unwrap();
    assert_eq!(rest(get).await, "0\r\n\r\n", "the proper end of a body of chunks");
    let last = rest(subscription).await;
    assert!(last.contains("\"resultType\":\"complete\"") && last.ends_with("\r\n0\r\n\r\n"), "{last}");
    assert!(rest(silent).await.starts_with("HTTP/1.1 503"), "nothing was begun yet");
    assert!(!serving.is_finished(), "a call is under way");
    world.upstream.goes_on();
    assert!(rest(call).await.starts_with("HTTP/1.1 200"));
    timeout(Duration::from_secs(5), serving).await.expect("ends with the last call").unwrap();
    ended(&world, "gateway_stopped", 3).await;
}

/// Waits until so many calls ended in this way.
async fn ended(world: &World, outcome: &str, count: usize) {
    while world.records().await.iter().filter(|record| record["outcome"] == outcome).count() < count {
        tokio::task::yield_now().await;
    }
}

/// What was begun without its server ends as properly.
///
/// Field: G12
#[tokio::test]
async fn so_does_a_stream_that_was_begun_without_its_server() {
    let world = World::start().await;
    let (address, shutdown, serving) = listener(&world).await;
    let request = By::Get.request(&world).await;
    world.upstream.holds();
    let mut silent = connect(address, request).await;
    world.upstream.nth(2).await;
    tokio::time::pause();
    assert!(head(&mut silent).await.starts_with("HTTP/1.1 200"));
    tokio::time::resume();
    shutdown.send(()).unwrap();
    let last = rest(silent).await;
    assert!(last.ends_with("0\r\n\r\n") && !last.contains("data"), "{last}");
    timeout(Duration::from_secs(5), serving).await.expect("ends at once").unwrap();
}
