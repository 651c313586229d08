//! Who may call: challenges, tokens, liveness, the kill switch.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod world;

use http::Method;
use model::Span;
use serde_json::json;
use store::privilege::PrivilegeTx;
use world::{World, modern};

/// Spec: OAuth 2.1 §5.3.2; RFC 9728 §5.1; MCP basic/authorization (protected resource metadata)
#[tokio::test]
async fn no_token_gets_a_challenge_without_an_error() {
    let world = World::start().await;
    let answer = world.send(Method::POST, "/mcp/tickets", &[("content-type", "application/json")], "{}").await;
    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.header("www-authenticate"),
        "Bearer realm=\"tickets\", resource_metadata=\"http://127.0.0.1:8420/.well-known/oauth-protected-resource/mcp/tickets\", scope=\"tickets:low\""
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    world.upstream.got_nothing();
}

/// Spec: RFC 6750 §3.1
#[tokio::test]
async fn a_bad_token_is_told_apart_from_none() {
    let world = World::start().await;
    let answer = world.send(Method::GET, "/mcp/tickets", &[("authorization", "Bearer a.b.c")], "").await;
    assert_eq!(answer.status, 401);
    assert!(answer.header("www-authenticate").starts_with("Bearer realm=\"tickets\", error=\"invalid_token\", "));
    world.upstream.got_nothing();
}

#[tokio::test]
async fn a_good_token_reaches_the_upstream_and_both_records_are_written() {
    let world = World::start().await;
    world.modern_tool("get_ticket").await.answered();
    let decided = world.last("call_decided").await.unwrap();
    let ended = world.eventually("call_ended").await;
    assert_eq!(decided["tool"], "get_ticket");
    assert_eq!(decided["tier"], "low");
    assert_eq!(decided["person"], "ada");
    assert_eq!(
        (&ended["request"], &ended["outcome"], &ended["status"]),
        (&decided["request"], &json!("complete"), &json!(200))
    );
}

/// One audience for all servers made every token a master key (CVE-2025-69196).
///
/// Spec: RFC 9068 §4
#[tokio::test]
async fn a_token_of_one_server_opens_no_other_not_even_when_it_is_known() {
    let world = World::start().await;
    world.modern_tool("get_ticket").await.answered();
    let (headers, body) = modern("tools/list", json!({}));
    let bearer = format!("Bearer {}", world.token());
    let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.extend([("authorization", bearer.as_str()), ("content-type", "application/json")]);
    let answer = world.send(Method::POST, "/mcp/files", &headers, body).await;
    assert_eq!(answer.status, 401);
    assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""));
    assert!(answer.header("www-authenticate").contains("mcp/files"));
}

/// Spec: RFC 9068 §4
#[tokio::test]
async fn a_token_that_does_not_fit_its_grant_is_refused() {
    let world = World::start().await;
    let good = world.claims();
    let forged = [
        model::AccessClaims { iss: "https://other.test".into(), ..good.clone() },
        model::AccessClaims { aud: "http://127.0.0.1:8420/mcp/files".into(), ..good.clone() },
        model::AccessClaims { grant_id: "grt_unknown".parse().unwrap(), ..good.clone() },
        model::AccessClaims { grant_id: "grt_files".parse().unwrap(), ..good.clone() },
        model::AccessClaims { agent_id: "bot@bob".parse().unwrap(), ..good.clone() },
        model::AccessClaims { client_id: "https://evil.test/c".parse().unwrap(), ..good.clone() },
        model::AccessClaims { exp: good.iat, ..good },
    ];
    for claims in forged {
        let bearer = format!("Bearer {}", world.sign(&claims));
        let answer = world.send(Method::GET, "/mcp/tickets", &[("authorization", &bearer)], "").await;
        assert_eq!(answer.status, 401, "{claims:?}");
    }
    world.upstream.got_nothing();
}

/// Spec: OAuth 2.1 §5.2 (sufficient scope)
#[tokio::test]
async fn a_token_narrower_than_its_grant_is_not_widened() {
    let world = World::start().await;
    let narrow = world.sign(&model::AccessClaims { scope: "tickets.delete_ticket".parse().unwrap(), ..world.claims() });
    let bearer = format!("Bearer {narrow}");
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_ticket"}}).to_string();
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    world.send(Method::POST, "/mcp/tickets", &headers, body).await.challenged("tickets:low");
    world.upstream.got_nothing();
}

/// Spec: OAuth 2.1 §5.3.2
#[tokio::test]
async fn credentials_in_two_places_are_an_invalid_request() {
    let world = World::start().await;
    let bearer = format!("Bearer {}", world.token());
    for headers in [
        &[("authorization", bearer.as_str()), ("authorization", bearer.as_str())][..],
        &[("authorization", bearer.as_str()), ("dpop", "x")],
    ] {
        let answer = world.send(Method::POST, "/mcp/tickets", headers, "").await;
        assert_eq!(answer.status, 400);
        assert!(answer.header("www-authenticate").contains("error=\"invalid_request\""));
    }
    let answer = world.send(Method::POST, "/mcp/tickets?access_token=x", &[], "").await;
    assert_eq!(answer.status, 400);
}

/// Authentication comes before the body is read.
#[tokio::test]
async fn a_stranger_can_not_make_us_read_a_body() {
    let world = World::start().await;
    for body in ["[", "{\"a\":1,\"a\":2}", "x"] {
        assert_eq!(world.send(Method::POST, "/mcp/tickets", &[], body).await.status, 401);
    }
}

/// A stranger must not be able to fill the disk.
#[tokio::test]
async fn a_stranger_leaves_no_record_and_a_known_one_always_does() {
    let world = World::start().await;
    let before = world.records().await.len();
    world.send(Method::POST, "/mcp/tickets", &[("authorization", "Bearer a.b.c")], "").await;
    assert_eq!(world.records().await.len(), before);
    world.post(&[], "[]").await.refused(400, -32600);
    assert_eq!(world.last("call_refused").await.unwrap()["reason"], "malformed");
}

/// The verdict is cached, and the cache does not outlive a revocation.
#[tokio::test]
async fn every_turn_of_the_kill_switch_stops_the_next_call() {
    for (kind, name) in [
        ("agent", "bot@ada"),
        ("person", "ada"),
        ("client", "https://bot.test/client.json"),
        ("server", "tickets"),
        ("grant", "grt_ada"),
        ("installation", "ins_ada"),
        ("all", ""),
    ] {
        let world = World::start().await;
        world.modern_tool("get_ticket").await.answered();
        world.revoke(kind, name).await;
        let answer = world.modern_tool("get_ticket").await;
        assert_eq!(answer.status, 401, "{kind}");
        assert!(answer.header("www-authenticate").contains("error_description=\"access was revoked\""), "{kind}");
        assert_eq!(world.upstream.arrived().len(), 1, "{kind}");
        assert_eq!(world.last("call_refused").await.unwrap()["reason"], "invalid_token", "{kind}");
    }
}

/// What was learned about one copy of a client stops this copy.
///
/// Field: A2
#[tokio::test]
async fn an_installation_that_was_ended_is_refused_and_its_neighbours_are_not() {
    let world = World::start().await;
    let of = |sid: Option<&str>| {
        let claims = model::AccessClaims { sid: sid.map(|sid| sid.parse().unwrap()), ..world.claims() };
        format!("Bearer {}", world.sign(&claims))
    };
    let call = async |bearer: &str| {
        let (headers, body) = modern("tools/call", json!({"name": "get_ticket", "arguments": {"id": 41}}));
        let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.extend([("authorization", bearer), ("content-type", "application/json"), ("accept", world::BOTH)]);
        world.send(Method::POST, "/mcp/tickets", &headers, body).await.status.as_u16()
    };
    let (ours, neighbour, from_before) = (of(Some("ins_ada")), of(Some("ins_other")), of(None));
    for bearer in [&ours, &neighbour, &from_before] {
        assert_eq!(call(bearer).await, 200);
    }
    world.revoke("installation", "ins_ada").await;
    assert_eq!((call(&ours).await, call(&neighbour).await, call(&from_before).await), (401, 200, 200));
    // A token without `sid` is an installation of its own, named by its `jti`.
    world.revoke("installation", "at_1").await;
    assert_eq!((call(&neighbour).await, call(&from_before).await), (200, 401));
}

#[tokio::test]
async fn a_blocked_tool_is_refused_and_its_neighbours_are_not() {
    let world = World::start().await;
    world.revoke("tool", "tickets.get_ticket").await;
    world.modern_tool("get_ticket").await.tool_error("switched off");
    world.modern_tool("get_other").await.answered();
    let listed = world.modern("tools/list", json!({})).await.text();
    assert!(!listed.contains("get_ticket"));
}

#[tokio::test]
async fn a_suspended_agent_a_disabled_person_and_an_ended_grant_are_refused() {
    use model::{AgentState, Person, event::examples};
    use store::{Commit, StoreError};
    for what in ["agent", "person", "grant"] {
        let world = World::start().await;
        world.modern_tool("get_ticket").await.answered();
        let (grant, now) = (world.grant.clone(), world.clock_now());
        world
            .store
            .write(move |tx| {
                Box::pin(async move {
                    match what {
                        "agent" => {
                            let is_changed =
                                PrivilegeTx::of(tx).set_agent_state(&grant.agent, AgentState::Suspended).await?;
                            assert!(is_changed);
                        }
                        "person" => {
                            let ada = Person {
                                id: "ada".parse().unwrap(),
                                display_name: "Ada".into(),
                                roles: [].into(),
                                disabled: true,
                            };
                            PrivilegeTx::of(tx).put_person(&ada, None).await?;
                        }
                        _ => drop(PrivilegeTx::of(tx).end_grant(&grant.id, now).await?),
                    }
                    tx.bump_epoch().await?;
                    Ok::<_, StoreError>(Commit::with(examples::any(), ()))
                })
            })
            .await
            .unwrap();
        assert_eq!(world.modern_tool("get_ticket").await.status, 401, "{what}");
        assert_eq!(world.upstream.arrived().len(), 1, "{what}");
    }
}

/// Field: G22
#[tokio::test]
async fn a_known_token_dies_with_its_time() {
    let world = World::start().await;
    let bearer = format!("Bearer {}", world.token());
    let get = || world.send(Method::GET, "/mcp/tickets", &[], "");
    assert_eq!(get().await.status, 401);
    let with = [("authorization", bearer.as_str())];
    assert_eq!(world.send(Method::GET, "/mcp/tickets", &with, "").await.status, 405, "the upstream has no stream");
    world.clock.advance(Span::from_seconds(600));
    assert_eq!(world.send(Method::GET, "/mcp/tickets", &with, "").await.status, 401);
}

/// Spec: MCP basic/transports/streamable-http (DNS rebinding)
#[tokio::test]
async fn a_foreign_host_or_origin_is_refused_before_anything_else() {
    let world = World::start().await;
    let bearer = format!("Bearer {}", world.token());
    let auth = ("authorization", bearer.as_str());
    assert_eq!(world.send(Method::POST, "/mcp/tickets", &[auth, ("host", "evil.test")], "").await.status, 421);
    assert_eq!(world.send(Method::POST, "/mcp/tickets", &[auth, ("origin", "http://evil.test")], "").await.status, 403);
    assert_eq!(world.send(Method::GET, "/mcp/unknown", &[auth], "").await.status, 404);
    for path in [
        "/mcp/",
        "/mcp//tickets",
        "/mcp/tickets//",
        "/mcp/Tickets",
        "/mcp/%74ickets",
        "/mcp/./tickets",
        "/mcp/tickets;x",
    ] {
        assert_eq!(world.send(Method::GET, path, &[auth], "").await.status, 404, "{path}");
    }
    world.upstream.got_nothing();
}

/// Spec: WHATWG Fetch, CORS protocol
#[tokio::test]
async fn a_page_of_an_allowed_origin_can_ask_and_read_its_challenge() {
    let world = World::start().await;
    let origin = ("origin", "https://inspector.test");
    let preflight = [
        origin,
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization, mcp-param-x, x-evil"),
    ];
    let answer = world.send(Method::OPTIONS, "/mcp/tickets", &preflight, "").await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (204, "https://inspector.test"));
    assert!(answer.header("access-control-allow-headers").contains("mcp-param-x"));
    assert!(!answer.header("access-control-allow-headers").contains("x-evil"));
    let answer = world.send(Method::POST, "/mcp/tickets", &[origin], "").await;
    assert_eq!(answer.status, 401);
    let exposed = answer.header("access-control-expose-headers");
    for header in ["WWW-Authenticate", "Retry-After", "Mcp-Session-Id"] {
        assert!(exposed.contains(header), "{exposed}");
    }
    assert_eq!(world.send(Method::OPTIONS, "/mcp/tickets", &[], "").await.status, 405, "no browser, no preflight");
}

/// Spec: RFC 9728 §2, §3.1, §3.3
#[tokio::test]
async fn metadata_is_public_and_names_the_resource_as_it_is_called() {
    let world = World::start().await;
    let well_known = "/.well-known/oauth-protected-resource";
    let answer = world.send(Method::GET, &format!("{well_known}/mcp/tickets"), &[], "").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let document = answer.json();
    assert_eq!(document["resource"], world::RESOURCE);
    assert_eq!(document["authorization_servers"], json!(["http://127.0.0.1:8420"]));
    assert_eq!(document["scopes_supported"], json!(["tickets:low"]), "the baseline, not the catalogue");
    for path in [format!("{well_known}/mcp"), format!("{well_known}/mcp/nobody"), format!("{well_known}/tickets")] {
        assert_eq!(world.send(Method::GET, &path, &[], "").await.status, 404, "{path}");
    }
    let poisoned = [("host", "evil.test"), ("x-forwarded-host", "evil.test")];
    assert_eq!(world.send(Method::GET, &format!("{well_known}/mcp/tickets"), &poisoned, "").await.status, 421);
}

/// Spec: RFC 9110 §9.3.2 (HEAD)
///
/// Field: G19
#[tokio::test]
async fn a_head_of_metadata_says_what_a_get_says_without_the_document() {
    let world = World::start().await;
    let path = "/.well-known/oauth-protected-resource/mcp/tickets";
    let get = world.send(Method::GET, path, &[], "").await;
    let head = world.send(Method::HEAD, path, &[], "").await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), get.body.len().to_string());
    for name in ["content-type", "cache-control", "access-control-allow-origin"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
}

/// Clients that know only the host look at the root, where no resource is (RFC 9728 §3.3).
///
/// Spec: RFC 9728 §3.1
///
/// Field: G19
#[tokio::test]
async fn the_root_of_the_metadata_names_what_is_there() {
    let world = World::start().await;
    let root = "/.well-known/oauth-protected-resource";
    for path in [root.to_owned(), format!("{root}/")] {
        let answer = world.send(Method::GET, &path, &[], "").await;
        assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (404, "*"));
        for server in ["files", "gone", "tickets"] {
            assert!(answer.text().contains(&format!("http://{}{root}/mcp/{server}", world::HOST)), "{}", answer.text());
        }
    }
    let rebound = [("host", "evil.test")];
    assert_eq!(world.send(Method::GET, root, &rebound, "").await.status, 421);
    let config = json!({"public_url": "http://127.0.0.1:8420", "servers": {"tickets": {"url": world.upstream.url()}}});
    let only = world::gateway_of(&world.store, "", config).unwrap();
    let request = http::Request::get(root).header("host", world::HOST);
    let answer = only.handle(request.body(http_body_util::Full::new(bytes::Bytes::new())).unwrap()).await;
    assert_eq!(answer.status(), 200);
    let document = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&document).unwrap()["resource"], world::RESOURCE);
}

/// Field: G19
#[tokio::test]
async fn a_slash_too_many_is_told_the_address_without_it() {
    let world = World::start().await;
    let bearer = format!("Bearer {}", world.token());
    for (path, right) in [
        ("/mcp/tickets/", "http://127.0.0.1:8420/mcp/tickets"),
        (
            "/.well-known/oauth-protected-resource/mcp/tickets/",
            "http://127.0.0.1:8420/.well-known/oauth-protected-resource/mcp/tickets",
        ),
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let answer = world.send(method, path, &[("authorization", bearer.as_str())], "{}").await.refused(404, 404);
            let message = answer.json()["error"]["message"].take();
            assert!(message.as_str().unwrap().ends_with(&format!("is at {right}")), "{message}");
        }
    }
    world.upstream.got_nothing();
}

/// Field: G19
#[tokio::test]
async fn an_origin_or_a_host_that_is_refused_is_told_the_setting() {
    let (world, log) = (World::start().await, world::log::Log::begin());
    let ask = [("origin", "https://app.test"), ("access-control-request-method", "POST")];
    let answer = world.send(Method::OPTIONS, "/mcp/tickets", &ask, "").await.refused(403, 403);
    assert!(answer.text().contains("`allowed_origins`"), "{}", answer.text());
    assert!(answer.headers.get("access-control-allow-origin").is_none());
    let answer = world.send(Method::POST, "/mcp/tickets", &[("host", "app.test")], "").await.refused(421, 421);
    assert!(answer.text().contains("`extra_hosts`"), "{}", answer.text());
    let said = log.of("request_refused");
    assert!(said[0].contains("`allowed_origins`") && said[1].contains("`extra_hosts`"), "{said:?}");
}

/// A client in a browser has an origin that nobody listed, until it has found out whom to ask.
///
/// Spec: RFC 9728 §3.1
#[tokio::test]
async fn a_page_of_any_origin_can_read_the_metadata() {
    let world = World::start().await;
    let path = "/.well-known/oauth-protected-resource/mcp/tickets";
    for origin in ["https://anybody.test", "null"] {
        let answer = world.send(Method::GET, path, &[("origin", origin)], "").await;
        assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (200, "*"));
        let ask = [("origin", origin), ("access-control-request-method", "GET")];
        assert_eq!(world.send(Method::OPTIONS, path, &ask, "").await.status, 204);
    }
    let rebound = [("host", "evil.test"), ("origin", "http://evil.test")];
    assert_eq!(world.send(Method::GET, path, &rebound, "").await.status, 421);
}

/// A client that goes on with a revoked token does not write a record to disk with each request.
#[tokio::test]
async fn a_dead_token_is_recorded_once_a_minute() {
    let world = World::start().await;
    let bearer = format!("Bearer {}", world.token());
    world.revoke("agent", "bot@ada").await;
    for minute in 1..=2 {
        for _ in 0..5 {
            let answer = world.send(Method::GET, "/mcp/tickets", &[("authorization", bearer.as_str())], "").await;
            assert_eq!(answer.status, 401);
        }
        let records = world.records().await;
        assert_eq!(records.iter().filter(|record| record["event"] == "call_refused").count(), minute);
        world.clock.advance(Span::from_minutes(1));
    }
}

async fn calls(world: &World, claims: &model::AccessClaims, tool: &str) -> world::Answer {
    let (headers, body) = modern("tools/call", json!({"name": tool, "arguments": {"id": 41}}));
    let bearer = format!("Bearer {}", world.sign(claims));
    let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.extend([("authorization", bearer.as_str()), ("content-type", "application/json"), ("accept", world::BOTH)]);
    world.send(Method::POST, "/mcp/tickets", &headers, body).await
}

/// The token was seen before, so nothing but its age is in the way; and a new one of the same login goes on with the same
/// elevation.
///
/// Spec: RFC 6750 §3.1 (invalid_token)
#[tokio::test]
async fn a_token_that_is_too_old_for_a_tier_is_refused_for_it_and_a_new_one_is_not() {
    let world = World::start_configured(json!({"longest": {"medium": 120, "high": 60}})).await;
    world.elevate("elv_high", "tickets.delete_ticket", model::StepUp::Approval, 9).await;
    world.elevate("elv_medium", "tickets:medium", model::StepUp::Consent, 9).await;
    let old = world.claims();
    for tool in ["delete_ticket", "create_ticket", "get_ticket"] {
        calls(&world, &old, tool).await.answered();
    }
    world.clock.advance(Span::from_seconds(59));
    calls(&world, &old, "delete_ticket").await.answered();
    world.clock.advance(Span::from_seconds(1));
    let refused = calls(&world, &old, "delete_ticket").await;
    assert_eq!(refused.status, 401);
    let challenge = refused.header("www-authenticate");
    assert!(
        challenge.contains("error=\"invalid_token\"") && challenge.contains("too old for the high tier"),
        "{challenge}"
    );
    assert!(!challenge.contains("insufficient_scope"), "{challenge}");
    assert_eq!(world.last("call_refused").await.unwrap()["tool"], "delete_ticket");
    calls(&world, &old, "create_ticket").await.answered();
    calls(&world, &world.claims(), "delete_ticket").await.answered();
    world.clock.advance(Span::from_seconds(60));
    assert_eq!(calls(&world, &old, "create_ticket").await.status, 401);
    calls(&world, &old, "get_ticket").await.answered();
}

/// What is new costs a new token and no elevation: uses are not spent on what is refused.
#[tokio::test]
async fn what_an_old_token_is_refused_spends_nothing() {
    let world = World::start_configured(json!({"longest": {"high": 60}})).await;
    world.elevate("elv_once", "tickets.delete_ticket", model::StepUp::Approval, 1).await;
    let old = world.claims();
    world.clock.advance(Span::from_seconds(61));
    assert_eq!(calls(&world, &old, "delete_ticket").await.status, 401);
    calls(&world, &world.claims(), "delete_ticket").await.answered();
}
