//! What a list of tools shows to whom.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod world;

use model::StepUp;
use serde_json::{Value, json};
use world::{World, log::Log, upstream::reply};

/// Spec: MCP 2026-07-28 server/tools, server/utilities/caching
#[tokio::test]
async fn a_list_shows_what_may_be_used_or_asked_for_and_nothing_else() {
    let world = World::start().await;
    let result = world.modern("tools/list", json!({})).await.answered().json()["result"].take();
    let access: Vec<(&str, &Value)> = result["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| (tool["name"].as_str().unwrap(), &tool["_meta"]["io.portcullis/access"]))
        .collect();
    let expected = [
        ("get_ticket", json!({"tier": "low", "scope": "tickets:low", "state": "usable", "by": "standing"})),
        ("create_ticket", json!({"tier": "medium", "scope": "tickets:medium", "state": "step_up", "by": "consent"})),
        (
            "delete_ticket",
            json!({"tier": "high", "scope": "tickets.delete_ticket", "state": "step_up", "by": "approval"}),
        ),
    ];
    assert_eq!(access, expected.iter().map(|(name, access)| (*name, access)).collect::<Vec<_>>());
    assert_eq!(
        (&result["cacheScope"], &result["nextCursor"], &result["ttlMs"]),
        (&json!("private"), &json!("n"), &json!(60000))
    );
}

#[tokio::test]
async fn a_list_shows_an_elevation_and_is_not_cached_beyond_its_end() {
    let world = World::start().await;
    world.elevate("elv_1", "tickets.delete_ticket", StepUp::Approval, 1).await;
    world.clock.advance(model::Span::from_seconds(290));
    let result = world.modern("tools/list", json!({})).await.answered().json()["result"].take();
    let state = &result["tools"][2]["_meta"]["io.portcullis/access"];
    assert_eq!((&state["state"], &state["by"]), (&json!("usable"), &json!("approval")));
    assert_eq!(result["ttlMs"], 10_000);
}

#[tokio::test]
async fn a_server_can_not_mark_its_own_tools() {
    let world = World::start().await;
    let list = |tools: &str| format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{{\"tools\":[{tools}]}}}}");
    let tools = list(
        r#"{"name":"get_a","x":1.50,"_meta":{"vendor":1,"io.portcullis/access":{"state":"usable"}}},{"name":"get_b","_meta":7},{"noname":1},{"name":"delete_c","annotations":{"readOnlyHint":true}}"#,
    );
    world.upstream.answers(move |_| Some(reply(200, &[("content-type", "application/json")], tools.clone())));
    let answer = world.modern("tools/list", json!({})).await.answered();
    let tools = &answer.json()["result"]["tools"];
    assert_eq!(tools.as_array().unwrap().len(), 3);
    assert_eq!(tools[0]["_meta"]["vendor"], 1);
    assert_eq!(tools[0]["_meta"]["io.portcullis/access"]["tier"], "low");
    assert_eq!(tools[1]["_meta"]["io.portcullis/access"]["tier"], "low");
    assert_eq!(tools[2]["_meta"]["io.portcullis/access"]["tier"], "high", "hints never lower a tier");
    assert!(answer.text().contains("\"x\":1.50"));
    assert_eq!(answer.json()["result"]["cacheScope"], "private");
}

#[tokio::test]
async fn a_list_with_two_readings_or_too_long_is_not_relayed() {
    let world = World::start().await;
    let twice = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[],"tools":[{"name":"delete_ticket"}]}}"#;
    world.upstream.answers(move |_| Some(reply(200, &[("content-type", "application/json")], twice)));
    world.modern("tools/list", json!({})).await.refused(502, 502);
    world.upstream.answers(move |_| Some(reply(200, &[("content-type", "application/json")], " ".repeat(65537))));
    world.modern("tools/list", json!({})).await.refused(502, 502);
}

/// A rule for it could never match, and no call of it would be accepted: it is said so, once.
///
/// Field: G11
#[tokio::test]
async fn what_can_never_be_called_is_left_out_and_named_with_the_reason() {
    let (world, log) = (World::start().await, Log::begin());
    let names = ["get ticket", "get:ticket", "größe", "get_ticket", ""];
    let items: Vec<_> = names.iter().map(|name| json!({"name": name})).chain([json!({"title": "x"})]).collect();
    for member in ["tools", "prompts"] {
        let list = json!({"jsonrpc": "2.0", "id": 1, "result": {member: items}}).to_string();
        world.upstream.answers(move |_| Some(reply(200, &[("content-type", "application/json")], list.clone())));
        for _ in 0..3 {
            let answer = world.modern(&format!("{member}/list"), json!({})).await.answered().json();
            let listed = answer["result"][member].as_array().unwrap().len();
            assert_eq!(listed, usize::from(member == "tools"), "{answer}");
        }
    }
    let said = log.of("tool_left_out");
    assert_eq!(said.len(), 10, "each once: {said:#?}");
    for name in ["get ticket", "get:ticket", "größe"] {
        let line =
            said.iter().find(|line| line.contains(&format!("name={name} ")) && line.contains("list=tools")).unwrap();
        assert!(
            line.contains("server=tickets") && line.contains("no rule can match it: a name has 1 to 128"),
            "{line}"
        );
    }
    assert!(said.iter().any(|line| line.contains("it has no name")), "{said:#?}");
    assert!(!said.iter().any(|line| line.contains("get_ticket")), "what policy hides is not named");
}

/// A page of which nothing is left for this viewer is not the last one.
///
/// Spec: MCP 2026-07-28 server/utilities/pagination
/// Field: G24
#[tokio::test]
async fn the_cursor_of_each_page_passes_both_ways_also_of_one_that_policy_empties() {
    let world = World::start().await;
    for (asked, tool, next, shown) in [
        (None, "get_ticket", Some("a/b==&c"), 1),
        (Some("a/b==&c"), "mystery", Some(""), 0),
        (Some(""), "get_x", None, 1),
    ] {
        let mut page = json!({"tools": [{"name": tool, "inputSchema": {"type": "object"}}]});
        next.inspect(|next| page["nextCursor"] = json!(next));
        let message = json!({"jsonrpc": "2.0", "id": 1, "result": page}).to_string();
        world.upstream.answers(move |_| Some(reply(200, &[("content-type", "application/json")], message.clone())));
        let params = asked.map_or(json!({}), |cursor| json!({"cursor": cursor}));
        let result = world.modern("tools/list", params).await.answered().json()["result"].take();
        assert_eq!(result["tools"].as_array().map(Vec::len), Some(shown), "{result}");
        assert_eq!(result.get("nextCursor").and_then(Value::as_str), next, "{result}");
        let sent: Value = serde_json::from_slice(&world.upstream.last().body).unwrap();
        assert_eq!(sent["params"].get("cursor").and_then(Value::as_str), asked, "{sent}");
    }
}
