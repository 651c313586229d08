//! What may be called, and by which authority.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod world;

use http::Method;
use model::StepUp;
use serde_json::json;
use world::{World, modern};

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
    assert_eq!(world.last("elevation_ended").await.unwrap()["cause"], "used_up");
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

#[tokio::test]
async fn two_calls_with_an_elevation_each_both_go_through() {
    let world = World::start().await;
    world.elevate("elv_1", "tickets.delete_ticket", StepUp::Approval, 1).await;
    world.elevate("elv_2", "tickets.delete_ticket", StepUp::Approval, 1).await;
    let (a, b) = tokio::join!(world.modern_tool("delete_ticket"), world.modern_tool("delete_ticket"));
    a.answered();
    b.answered();
    world.modern_tool("delete_ticket").await.challenged("tickets.delete_ticket");
}

/// The use is taken of what the decision rests on, not of what has the same name.
#[tokio::test]
async fn a_use_is_taken_of_the_elevation_that_opened_the_call() {
    let world = World::start().await;
    world.elevate("elv_1", "tickets.delete_ticket", StepUp::Consent, 1).await;
    world.elevate("elv_2", "tickets.delete_ticket", StepUp::Approval, 1).await;
    world.modern_tool("delete_ticket").await.answered();
    assert_eq!(world.last("call_decided").await.unwrap()["elevation"], "elv_2");
    assert_eq!(world.last("elevation_ended").await.unwrap()["elevation"], "elv_2");
    world.modern_tool("delete_ticket").await.challenged("tickets.delete_ticket");
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
    for name in ["get_ticket ", " get_ticket", "get_ticket\u{200b}", "ｇet_ticket", "get_größe", "", "get_a:b"] {
        world.legacy_tool(name).await.refused(200, -32602);
    }
    world.legacy_tool("get_ticket\0").await.refused(400, -32602);
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

/// A task's id was all it took to read the result of somebody else's call (CVE-2026-52870).
///
/// Spec: SEP-1686, SEP-2663
#[tokio::test]
async fn tasks_are_everybodys_and_so_refused_unless_the_server_shares_them() {
    let world = World::start().await;
    for method in ["tasks/get", "tasks/update", "tasks/cancel", "tasks/list", "tasks/result"] {
        world.legacy(method, json!({"taskId": "another's"}), &[]).await.refused(200, -32601);
        let (mut headers, body) = modern(method, json!({"taskId": "another's"}));
        headers.push(("mcp-name", "another's".into()));
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        world.post(&headers, body).await.refused(404, -32601);
    }
    let as_task = json!({"name": "get_ticket", "task": {"ttl": 60000}});
    world.modern("tools/call", as_task.clone()).await.refused(404, -32601);
    world.legacy("tools/call", as_task.clone(), &[]).await.refused(200, -32601);
    let listen = |name: &str| json!({"notifications": {name: ["another's"]}});
    world.modern("subscriptions/listen", listen("taskIds")).await.refused(404, -32601);
    world.modern("subscriptions/listen", listen("taskids")).await.refused(400, -32600);
    let reasons: Vec<_> = world.records().await.into_iter().map(|record| record["reason"].clone()).collect();
    assert_eq!(reasons.iter().filter(|reason| **reason == "tasks").count(), 13);
    world.upstream.got_nothing();

    let shared = World::start_sharing_tasks().await;
    shared.legacy("tasks/get", json!({"taskId": "another's"}), &[]).await.answered();
    shared.legacy("tools/call", as_task, &[]).await.answered();
}

/// A name of a server's own could do more than notify, and its server acts without anybody having decided.
///
/// Spec: MCP 2026-07-28 and 2025-11-25 schemas (client notifications)
///
/// Field: G20
#[tokio::test]
async fn only_notifications_that_the_specification_knows_are_sent_on() {
    let world = World::start().await;
    let note = |method: &str| json!({"jsonrpc": "2.0", "method": method, "params": {"requestId": 1}}).to_string();
    let old = [("mcp-protocol-version", "2025-11-25")];
    for known in ["notifications/initialized", "notifications/cancelled", "notifications/roots/list_changed"] {
        assert_eq!(world.post(&old, note(known)).await.status, 202);
        assert!(world.upstream.last().body.starts_with(&note(known).as_bytes()[..40]), "{known}");
    }
    let sent = world.upstream.arrived().len();
    for unknown in ["notifications/run", "notifications/tools/list_changed", "notifications/tasks/status"] {
        let answer = world.post(&old, note(unknown)).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (202, 0), "{unknown}");
        assert_eq!(world.last("call_refused").await.unwrap()["reason"], "not_sent_on");
    }
    for (method, status) in [("notifications/initialized", 202), ("tools/call", 400)] {
        let new = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", method)];
        assert_eq!(world.post(&new, note(method)).await.status, status, "{method}");
    }
    assert_eq!(world.upstream.arrived().len(), sent);
}

#[tokio::test]
async fn resources_prompts_and_the_protocol_need_the_baseline_only() {
    let world = World::start().await;
    for (method, params) in [
        ("server/discover", json!({})),
        ("resources/list", json!({})),
        ("resources/read", json!({"uri": "file:///docs/a"})),
        ("prompts/get", json!({"name": "summarize"})),
        ("completion/complete", json!({"ref": {"type": "ref/prompt", "name": "summarize"}})),
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

/// The clock of the machine was set back behind the last change: what stands goes on, because time does not go back in
/// the store; nothing more is given; and whoever is to be stopped is stopped.
///
/// Field: N8
#[tokio::test]
async fn under_a_clock_that_is_behind_low_calls_go_on_and_nothing_is_elevated() {
    let world = World::start().await;
    world.elevate("elv_1", "tickets.delete_ticket", StepUp::Approval, 9).await;
    world.modern_tool("delete_ticket").await.answered();
    let token = world.token();
    world.clock.set_back(model::Span::from_minutes(60));
    while world.store.freshness().is_ok() {
        tokio::task::yield_now().await;
    }
    let call = async |tool: &str| {
        let (headers, body) = modern("tools/call", json!({"name": tool, "arguments": {}}));
        let bearer = format!("Bearer {token}");
        let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.extend([("authorization", bearer.as_str()), ("content-type", "application/json")]);
        world.send(Method::POST, "/mcp/tickets", &headers, body).await
    };
    call("get_ticket").await.answered();
    assert_eq!(call("delete_ticket").await.status, 503, "approved before");
    assert_eq!(call("create_ticket").await.status, 503, "no step-up either");
    world.revoke("agent", "bot@ada").await;
    assert_eq!(call("get_ticket").await.status, 401);
    assert_eq!(world.upstream.arrived().len(), 2);
}

/// Field: S14
#[tokio::test]
async fn a_name_that_is_read_as_a_path_is_called_by_nobody() {
    let world = World::start().await;
    for name in ["get_ticket/../delete_ticket", "get_/./x", "get_x//y"] {
        let answer = world.modern_tool(name).await.refused(400, -32602);
        assert!(answer.text().contains("beside a slash"), "{name}: {}", answer.text());
    }
    world.upstream.got_nothing();
}
