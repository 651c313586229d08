//! What may be called, by which authority, and what reaches the upstream.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod world;

use http::Method;
use model::StepUp;
use serde_json::json;
use world::{World, modern, reply};

/// Spec: MCP 2026-07-28 basic/authorization (scope challenge), SEP-2350
#[tokio::test]
async fn a_call_above_the_baseline_is_challenged_with_what_it_needs() {
    let world = World::start().await;
    world.modern_tool("create_ticket").await.challenged("tickets:medium");
    let answer = world.modern_tool("delete_ticket").await.challenged("tickets.delete_ticket");
    assert!(
        answer
            .header("www-authenticate")
            .contains("error_description=\"delete_ticket is high tier and needs the approval")
    );
    assert!(answer.header("www-authenticate").contains("resource_metadata=\"http://127.0.0.1:8420/.well-known/"));
    world.upstream.got_nothing();
    let record = world.last("call_refused").await.unwrap();
    assert_eq!((&record["decision"], &record["by"]), (&json!("step_up"), &json!("approval")));
}

/// Older clients replace what they hold instead of uniting it with what is asked for.
///
/// Spec: MCP 2025-11-25 basic/authorization (scope challenge)
#[tokio::test]
async fn an_older_client_is_told_what_it_holds_as_well() {
    let world = World::start().await;
    world.legacy_tool("delete_ticket").await.challenged("tickets:low tickets.delete_ticket");
    world.elevate("elv_1", "tickets:medium", StepUp::Consent, 5).await;
    world.legacy_tool("delete_ticket").await.challenged("tickets:low tickets:medium tickets.delete_ticket");
}

/// The live elevation decides, not the token.
#[tokio::test]
async fn an_approved_call_goes_through_as_often_as_was_approved() {
    let world = World::start().await;
    world.elevate("elv_1", "tickets.delete_ticket", StepUp::Approval, 2).await;
    world.modern_tool("delete_ticket").await.answered();
    assert_eq!(world.last("call_decided").await.unwrap()["elevation"], "elv_1");
    world.modern_tool("delete_ticket").await.answered();
    assert_eq!(world.last("elevation_ended").await.unwrap()["reason"], "used_up");
    world.modern_tool("delete_ticket").await.challenged("tickets.delete_ticket");
    assert_eq!(world.upstream.arrived().len(), 2);
}

#[tokio::test]
async fn an_elevation_ends_by_itself_though_the_token_still_names_it() {
    let world = World::start().await;
    world.elevate("elv_1", "tickets.delete_ticket", StepUp::Approval, 9).await;
    let mut claims = world.claims();
    claims.scope = "tickets:low tickets.delete_ticket".parse().unwrap();
    let bearer = format!("Bearer {}", world.sign(&claims));
    let call = || async {
        let (headers, body) = modern("tools/call", json!({"name": "delete_ticket"}));
        let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.extend([("authorization", bearer.as_str()), ("content-type", "application/json")]);
        world.send(Method::POST, "/mcp/tickets", &headers, body).await
    };
    call().await.answered();
    world.clock.advance(model::Span::from_minutes(5));
    call().await.challenged("tickets.delete_ticket");
}

#[tokio::test]
async fn consent_does_not_open_what_needs_approval() {
    let world = World::start().await;
    world.elevate("elv_1", "tickets.delete_ticket", StepUp::Consent, 9).await;
    world.modern_tool("delete_ticket").await.challenged("tickets.delete_ticket");
    world.elevate("elv_2", "tickets:medium", StepUp::Consent, 9).await;
    world.modern_tool("create_ticket").await.answered();
    world.modern_tool("delete_ticket").await.challenged("tickets.delete_ticket");
}

/// Two calls, one use: one winner.
#[tokio::test]
async fn the_last_use_is_taken_once() {
    let world = World::start().await;
    world.elevate("elv_1", "tickets.delete_ticket", StepUp::Approval, 1).await;
    let (a, b) = tokio::join!(world.modern_tool("delete_ticket"), world.modern_tool("delete_ticket"));
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 403]);
    assert_eq!(world.upstream.arrived().len(), 1);
}

/// No scope cures it, so nobody is asked for consent.
///
/// Spec: MCP server/tools (tool execution errors)
#[tokio::test]
async fn a_tool_nobody_classified_is_refused_in_words() {
    let world = World::start().await;
    let answer = world.modern_tool("mystery").await.tool_error("nobody has classified it");
    assert_eq!(answer.json()["result"]["resultType"], "complete");
    let answer = world.legacy_tool("mystery").await.tool_error("nobody has classified it");
    assert!(answer.json()["result"].get("resultType").is_none());
    assert!(answer.headers.get("www-authenticate").is_none());
    assert_eq!(world.last("call_refused").await.unwrap()["reason"], "held");
    world.upstream.got_nothing();
}

/// Spec: MCP 2026-07-28 server/tools (tool names)
#[tokio::test]
async fn a_name_that_looks_like_a_tool_is_not_that_tool() {
    let world = World::start().await;
    world.legacy_tool("Get_ticket").await.tool_error("nobody has classified it");
    for name in
        ["get_ticket ", " get_ticket", "get_ticket\0", "get_ticket\u{200b}", "ｇet_ticket", "get_größe", "", "get_a:b"]
    {
        world.legacy_tool(name).await.refused(200, -32602);
    }
    world.upstream.got_nothing();
}

/// Unknown methods would be side doors around the tools.
#[tokio::test]
async fn a_method_that_is_not_in_the_table_has_no_side_door() {
    let world = World::start().await;
    for method in
        ["unknown/method", "initialize", "ping", "logging/setLevel", "resources/subscribe", "Tools/call", "tools/call/"]
    {
        world.modern(method, json!({})).await.refused(404, -32601);
    }
    for method in ["unknown/method", "server/discover", "subscriptions/listen", "sampling/createMessage"] {
        world.legacy(method, json!({}), &[]).await.refused(200, -32601);
    }
    world.upstream.got_nothing();
}

#[tokio::test]
async fn resources_prompts_and_the_protocol_need_the_baseline_only() {
    let world = World::start().await;
    for (method, params) in [
        ("server/discover", json!({})),
        ("resources/list", json!({})),
        ("resources/read", json!({"uri": "file:///a"})),
        ("prompts/get", json!({"name": "p"})),
        ("completion/complete", json!({})),
    ] {
        world.modern(method, params).await.answered();
    }
    world.legacy("ping", json!({}), &[]).await.answered();
}

/// Policy read one tool, the upstream ran another (GHSA-wvj2-96wp-fq3f, GHSA-4gph-2hhr-5mwg).
///
/// Spec: RFC 7493 §2
#[tokio::test]
async fn a_body_with_two_readings_is_refused() {
    let world = World::start().await;
    for (body, code) in [
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_ticket","name":"delete_ticket"}}"#,
            -32700,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_ticket","\u006eame":"delete_ticket"}}"#,
            -32700,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_ticket","arguments":{"a":1,"a":2}}}"#,
            -32700,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_ticket","Name":"delete_ticket"}}"#,
            -32600,
        ),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}{}", -32700),
        ("\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", -32700),
    ] {
        world.post(&[], body).await.refused(400, code);
    }
    world.post(&[], b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}".to_vec()).await.refused(400, -32700);
    world.upstream.got_nothing();
}

/// Spec: SEP-2243 (server validation)
#[tokio::test]
async fn a_modern_request_whose_headers_lie_is_refused() {
    let world = World::start().await;
    let (headers, body) = modern("tools/call", json!({"name": "delete_ticket"}));
    let lying = |name: &'static str, value: &'static str| {
        headers.iter().map(|(n, v)| (*n, if *n == name { value } else { v.as_str() })).collect::<Vec<_>>()
    };
    for (name, value) in
        [("mcp-name", "get_ticket"), ("mcp-method", "tools/list"), ("mcp-protocol-version", "2025-11-25")]
    {
        let answer = world.post(&lying(name, value), body.clone()).await.refused(400, -32020);
        assert_eq!(answer.json()["id"], 1, "an error carries the id");
    }
    world.upstream.got_nothing();
}

/// Spec: MCP 2026-07-28 basic/versioning
#[tokio::test]
async fn an_unsupported_version_is_told_the_supported_ones() {
    let world = World::start().await;
    let (headers, body) = modern("server/discover", json!({}));
    let headers: Vec<_> =
        headers.iter().map(|(n, v)| (*n, if *n == "mcp-protocol-version" { "v999.0.0" } else { v.as_str() })).collect();
    let answer = world.post(&headers, body.replace("2026-07-28", "v999.0.0")).await.refused(400, -32022);
    assert_eq!(answer.json()["error"]["data"], json!({"supported": ["2026-07-28"], "requested": "v999.0.0"}));
}

/// Spec: RFC 9110 §15.5.14, §15.5.16
#[tokio::test]
async fn a_body_that_is_too_big_encoded_or_no_json_is_refused() {
    let world = World::start().await;
    assert_eq!(world.post(&[], vec![b' '; 4097]).await.status, 413);
    assert_eq!(world.post(&[("content-encoding", "gzip")], "{}").await.status, 415);
    let bearer = format!("Bearer {}", world.token());
    let auth = ("authorization", bearer.as_str());
    for kind in ["text/plain", "application/jsonx", "application/x-www-form-urlencoded", ""] {
        let answer = world.send(Method::POST, "/mcp/tickets", &[auth, ("content-type", kind)], "{}").await;
        assert_eq!(answer.status, 415, "{kind}");
    }
    assert_eq!(world.post(&[], "[".repeat(4000)).await.status, 400);
    for method in [Method::PUT, Method::PATCH, Method::TRACE, Method::HEAD, Method::CONNECT] {
        assert_eq!(world.send(method.clone(), "/mcp/tickets", &[auth], "").await.status, 405, "{method}");
    }
    world.upstream.got_nothing();
}

/// Passed-through tokens, spoofed identities and bypass headers all need a header that travels.
///
/// Spec: MCP basic/authorization (token passthrough)
#[tokio::test]
async fn only_what_the_call_consists_of_goes_upstream() {
    let world = World::start().await;
    let (headers, body) = modern("tools/call", json!({"name": "get_ticket", "arguments": {"n": 1}}));
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
    let mut names: Vec<_> = got.headers.keys().map(|name| name.as_str().to_owned()).collect();
    names.sort();
    assert_eq!(
        names,
        [
            "accept",
            "content-length",
            "content-type",
            "host",
            "mcp-method",
            "mcp-name",
            "mcp-param-region",
            "mcp-protocol-version",
            "traceparent",
            "x-api-key"
        ]
    );
    assert_eq!(got.headers["x-api-key"], "the-servers-own");
    assert_eq!((got.method, got.path.as_str()), (Method::POST, "/mcp"));
    let wire = String::from_utf8(got.body.to_vec()).unwrap();
    assert!(!wire.contains(&world.token()));
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
        (302, ("location", "https://evil.test/")),
        (200, ("content-encoding", "gzip")),
    ] {
        world.upstream.answers(move |_| Some(reply(status, &[header, ("content-type", "application/json")], "{}")));
        let answer = world.modern_tool("get_ticket").await.refused(502, 502);
        assert!(answer.text().contains("`tickets`"), "it names the server");
        assert!(answer.headers.get("www-authenticate").is_none() && answer.headers.get("location").is_none());
    }
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
                tx.put_grant(&grant).await?;
                let event = model::Event::new(model::EventName::GrantMade, model::Actor::System);
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

/// Spec: RFC 6750 §3.1 (`insufficient_scope` only where a scope can help)
#[tokio::test]
async fn what_a_policy_forbids_is_not_sent_for_consent() {
    let forbid = "@id(\"closed\")\nforbid(principal, action, resource);";
    let world = World::start_with(forbid).await;
    for method in ["resources/list", "tools/list", "server/discover"] {
        let answer = world.modern(method, json!({})).await.refused(403, 403);
        assert!(answer.headers.get("www-authenticate").is_none(), "{method}");
    }
    world.modern_tool("get_ticket").await.tool_error("a policy forbids get_ticket");
    assert_eq!(world.last("call_refused").await.unwrap()["reason"], "forbidden");
    world.upstream.got_nothing();
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

/// Spec: RFC 9110 §15.6.5
#[tokio::test]
async fn an_upstream_that_does_not_answer_is_given_up() {
    let world = World::start().await;
    world.upstream.hangs();
    let answer = world.modern_tool("get_ticket").await.refused(504, 504);
    assert!(answer.text().contains("`tickets` did not answer in time"));
    assert_eq!(world.eventually("call_ended").await["outcome"], "timed_out");
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
