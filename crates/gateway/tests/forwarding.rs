//! What reaches the upstream, what comes back, and what happens when it does not.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod world;

use http::Method;
use serde_json::json;
use store::privilege::PrivilegeTx;
use world::{World, modern, upstream::reply};

/// Passed-through tokens, spoofed identities and bypass headers all need a header that travels.
///
/// Spec: MCP basic/authorization (token passthrough)
///
/// Field: G7
#[tokio::test]
async fn only_what_the_call_consists_of_goes_upstream() {
    let world = World::start().await;
    let (headers, body) = modern("tools/call", json!({"name": "get_ticket", "arguments": {"region": "eu"}}));
    let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let smuggled = [
        ("cookie", "a=b"),
        ("proxy-authorization", "Basic x"),
        ("forwarded", "for=1.2.3.4"),
        ("x-forwarded-for", "1.2.3.4"),
        ("x-portcullis-agent", "root"),
        ("x-user", "root"),
        ("connection", "x-user"),
        ("baggage", "k=v"),
        ("mcp-session-id", "stolen"),
        ("last-event-id", "7"),
        ("x-api-key", "the-clients"),
        ("te", "trailers"),
    ];
    headers.extend(smuggled);
    headers.extend([("traceparent", "00-1-2-01"), ("mcp-param-region", "eu")]);
    world.post(&headers, body).await.answered();
    let got = world.upstream.last();
    assert_eq!(got.headers["accept-encoding"], "identity", "nothing here is decompressed");
    assert!(got.headers["user-agent"].to_str().unwrap().starts_with("portcullis/"));
    let mut names: Vec<_> = got.headers.keys().map(|name| name.as_str().to_owned()).collect();
    names.sort();
    assert_eq!(
        names,
        [
            "accept",
            "accept-encoding",
            "content-length",
            "content-type",
            "host",
            "mcp-method",
            "mcp-name",
            "mcp-param-region",
            "mcp-protocol-version",
            "traceparent",
            "user-agent",
            "x-api-key"
        ]
    );
    assert_eq!(got.headers["x-api-key"], "the-servers-own");
    assert_eq!((got.method, got.path.as_str()), (Method::POST, "/mcp"));
    let wire = String::from_utf8(got.body.to_vec()).unwrap();
    assert!(!wire.contains(&world.token()));
}

/// What stands between us and the server may route or count by them.
///
/// Field: S7
#[tokio::test]
async fn a_header_that_repeats_an_argument_never_says_other_than_the_body() {
    let world = World::start().await;
    let call = async |region: &str, header: (&'static str, &'static str)| {
        let (headers, body) = modern("tools/call", json!({"name": "get_ticket", "arguments": {"where": region}}));
        let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.push(header);
        world.post(&headers, body).await
    };
    call("us", ("mcp-param-region", "eu")).await.answered();
    assert!(world.upstream.last().headers.get("mcp-param-region").is_none(), "nobody knows what it repeats");
    let schema = json!({"type": "object", "properties": {"where": {"type": "string", "x-mcp-header": "Region"}}});
    let list = json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "get_ticket", "inputSchema": schema}]}});
    world.upstream.answers(move |arrived| {
        let lists = std::str::from_utf8(&arrived.body).unwrap().contains("tools/list");
        lists.then(|| reply(200, &[("content-type", "application/json")], list.to_string()))
    });
    world.modern("tools/list", json!({})).await.answered();
    call("eu", ("mcp-param-region", "eu")).await.answered();
    assert_eq!(world.upstream.last().headers["mcp-param-region"], "eu");
    let before = world.upstream.arrived().len();
    call("us", ("mcp-param-region", "eu")).await.refused(400, -32020);
    assert_eq!(world.upstream.arrived().len(), before);
    call("us", ("mcp-param-other", "eu")).await.refused(400, -32020);
    assert_eq!(world.upstream.arrived().len(), before, "one that is missing says other than the body, too");
}

/// What an old request says in new headers is neither believed nor passed on.
#[tokio::test]
async fn the_headers_of_the_new_era_do_not_travel_on_an_old_request() {
    let world = World::start().await;
    let lies = [("mcp-method", "tools/list"), ("mcp-name", "get_ticket"), ("mcp-param-x", "1")];
    world
        .legacy("tools/call", json!({"name": "delete_ticket"}), &lies)
        .await
        .challenged("tickets:low tickets.delete_ticket");
    world.legacy("tools/call", json!({"name": "get_ticket"}), &lies).await.answered();
    let headers = world.upstream.last().headers;
    assert!(
        headers.keys().all(|name| !name.as_str().starts_with("mcp-") || name == "mcp-protocol-version"),
        "{headers:?}"
    );
}

#[tokio::test]
async fn digits_and_unknown_members_survive_in_both_directions() {
    let world = World::start().await;
    world.upstream.answers(|_| {
        Some(reply(
            200,
            &[
                ("content-type", "application/json"),
                ("set-cookie", "a=b"),
                ("server", "x"),
                ("cache-control", "no-cache"),
            ],
            "{\"jsonrpc\":\"2.0\", \"id\":1 ,\"result\":{\"n\":12345678901234567890.10}}",
        ))
    });
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_ticket","arguments":{"n":12345678901234567890.10},"future":[ 1 ]}}"#;
    let answer = world.post(&[("mcp-protocol-version", "2025-11-25")], body).await;
    assert_eq!(answer.text(), "{\"jsonrpc\":\"2.0\", \"id\":1 ,\"result\":{\"n\":12345678901234567890.10}}");
    assert_eq!(world.upstream.last().body, body);
    let mut names: Vec<_> = answer.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["cache-control", "content-type"], "no cookie and no banner of the upstream");
}

/// Spec: MCP 2026-07-28 basic/versioning (a client must be able to fall back)
#[tokio::test]
async fn an_error_of_an_old_upstream_is_relayed_unchanged() {
    let world = World::start().await;
    for (status, text) in [(400u16, "Bad Request: No valid session ID provided"), (404, "nope"), (406, "{\"x\":1}")] {
        world.upstream.answers(move |_| Some(reply(status, &[("content-type", "text/plain")], text)));
        let answer = world.modern("server/discover", json!({})).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (status, text));
    }
}

/// An upstream's challenge would send the client after tokens for the wrong resource.
///
/// Spec: MCP basic/authorization
#[tokio::test]
async fn an_upstream_challenge_redirect_or_encoding_is_our_problem() {
    let world = World::start().await;
    for (status, header) in [
        (401u16, ("www-authenticate", "Bearer resource_metadata=\"https://evil.test\"")),
        (302, ("location", "/mcp/")),
        (307, ("location", "https://evil.test/")),
        (308, ("location", "http://127.0.0.1:1/mcp")),
    ] {
        world.upstream.answers(move |_| Some(reply(status, &[header, ("content-type", "application/json")], "{}")));
        let answer = world.modern_tool("get_ticket").await.refused(502, 502);
        assert!(answer.text().contains("`tickets`"), "it names the server");
        assert!(answer.headers.get("www-authenticate").is_none() && answer.headers.get("location").is_none());
    }
    world.upstream.answers(|_| Some(reply(200, &[("content-encoding", "gzip"), ("content-type", "text/plain")], "{}")));
    world.modern_tool("get_ticket").await.refused(200, -31001);
}

/// Spec: RFC 9110 §15.4.8, §15.4.9
///
/// Field: G8
#[tokio::test]
async fn a_server_that_moved_within_its_origin_is_asked_there() {
    let world = World::start().await;
    world.upstream.answers(|arrived| (arrived.path == "/mcp").then(|| reply(308, &[("location", "/mcp/")], "")));
    world.modern_tool("get_ticket").await.answered();
    let arrived = world.upstream.arrived();
    assert_eq!(arrived.iter().map(|one| one.path.as_str()).collect::<Vec<_>>(), ["/mcp", "/mcp/"]);
    assert_eq!((&arrived[0].method, &arrived[0].body), (&arrived[1].method, &arrived[1].body));
    assert_eq!(arrived[1].headers["x-api-key"], "the-servers-own");
    assert_eq!(world.eventually("call_ended").await["done"], "answered");
}

/// The server has answered once, so nothing proves any more that nothing was done.
///
/// Field: G8
#[tokio::test]
async fn a_connection_that_breaks_after_a_redirect_may_have_carried_the_call() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let world = World::start_before(&format!("http://{}/mcp", listener.local_addr().unwrap())).await;
    let sends_on_and_goes = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await.unwrap();
        let moved = "HTTP/1.1 307 T\r\nlocation: /mcp/\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        drop(listener);
        stream.write_all(moved.as_bytes()).await.unwrap();
    };
    let (answer, ()) = tokio::join!(world.modern_tool("get_ticket"), sends_on_and_goes);
    answer.refused(200, -31001);
}

#[tokio::test]
async fn an_unreachable_upstream_is_named() {
    let world = World::start().await;
    let mut claims = world.claims();
    claims.aud = "http://127.0.0.1:8420/mcp/gone".into();
    let grant: model::Grant = model::Grant {
        id: "grt_gone".parse().unwrap(),
        server: "gone".parse().unwrap(),
        scopes: "gone:low".parse().unwrap(),
        ..world.grant.clone()
    };
    claims.grant_id = grant.id.clone();
    claims.scope = grant.scopes.clone();
    world
        .store
        .write(move |tx| {
            Box::pin(async move {
                PrivilegeTx::of(tx).put_grant(&grant).await?;
                let event = model::event::examples::any();
                Ok::<_, store::StoreError>(store::Commit::with(event, ()))
            })
        })
        .await
        .unwrap();
    let bearer = format!("Bearer {}", world.sign(&claims));
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let answer = world.send(Method::POST, "/mcp/gone", &headers, body).await.refused(502, 502);
    assert!(answer.text().contains("the server `gone` cannot be reached"), "{}", answer.text());
    assert_eq!(world.eventually("call_ended").await["outcome"], "unreachable");
}

/// Over a real connection the server stops asking a body that has said its length; the end is on record all the same.
#[tokio::test]
async fn an_answer_of_known_length_is_recorded_as_complete() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let world = World::start().await;
    let gateway = world.gateway.clone();
    let listener = net::Listener::bind(([127, 0, 0, 1], 0).into(), None).await.unwrap();
    let address = listener.local_addr();
    let service = move |request| {
        let gateway = gateway.clone();
        async move { gateway.handle(request).await }
    };
    let serving = tokio::spawn(listener.serve(net::ListenLimits::default(), service, std::future::pending::<()>()));
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_ticket"}}).to_string();
    let head = format!(
        "POST /mcp/tickets HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        world::HOST,
        world.token(),
        body.len()
    );
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    connection.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("content-length"), "{answer}");
    assert_eq!(world.eventually("call_ended").await["outcome"], "complete");
    serving.abort();
}

/// Field: G1
#[tokio::test]
async fn a_call_that_the_upstream_does_not_answer_in_time_may_be_done() {
    let world = World::start().await;
    world.upstream.hangs();
    let answer = world.modern_tool("get_ticket").await.refused(200, -31001);
    assert!(answer.text().contains("did not answer in time: it may have been done"), "{}", answer.text());
    let ended = world.eventually("call_ended").await;
    assert_eq!((&ended["outcome"], &ended["done"]), (&json!("may_be_done"), &json!("unknown")));
}

/// The client leaves while the upstream still thinks: that is on record too, and the upstream hears of it.
#[tokio::test]
async fn a_client_that_does_not_wait_is_on_record() {
    let world = World::start().await;
    world.upstream.hangs();
    let sent = async {
        while world.upstream.arrived().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = world.modern_tool("get_ticket") => unreachable!("the upstream never answers"),
        () = sent => {}
    }
    assert_eq!(world.eventually("call_ended").await["outcome"], "client_gone");
}

/// No record, no call.
#[tokio::test]
async fn a_call_that_can_not_be_recorded_is_not_made() {
    let world = World::start().await;
    world.modern_tool("get_ticket").await.answered();
    world.eventually("call_ended").await;
    world.store.clone().close().await;
    let answer = world.modern_tool("get_ticket").await.refused(503, 503);
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(world.upstream.arrived().len(), 1);
}
