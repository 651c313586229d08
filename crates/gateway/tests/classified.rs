//! What nobody classified is held, whatever it is called: tools, resources, prompts and what completes or follows them.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod world;

use model::StepUp;
use serde_json::{Value, json};
use world::{Answer, World, upstream::reply};

async fn asked(world: &World, modern: bool, method: &str, params: Value) -> Answer {
    match modern {
        true => world.modern(method, params).await,
        false => world.legacy(method, params, &[]).await,
    }
}

fn prompt(name: &str) -> Value {
    json!({"ref": {"type": "ref/prompt", "name": name}, "argument": {"name": "a", "value": "b"}})
}

fn completed(uri: &str) -> Value {
    json!({"ref": {"type": "ref/resource", "uri": uri}, "argument": {"name": "a", "value": "b"}})
}

/// Field: S4, G15
#[tokio::test]
async fn what_a_rule_names_low_is_read_with_the_standing_grant() {
    let world = World::start().await;
    for (modern, method, params) in [
        (true, "resources/read", json!({"uri": "file:///docs/a.md"})),
        (false, "resources/read", json!({"uri": "file:///docs/a.md"})),
        (false, "resources/subscribe", json!({"uri": "file:///docs/a.md"})),
        (false, "resources/unsubscribe", json!({"uri": "file:///docs/a.md"})),
        (true, "prompts/get", json!({"name": "summarize"})),
        (false, "prompts/get", json!({"name": "summarize"})),
        (true, "completion/complete", prompt("summarize")),
        (false, "completion/complete", completed("file:///docs/{page}")),
    ] {
        asked(&world, modern, method, params.clone()).await.answered();
        let sent: Value = serde_json::from_slice(&world.upstream.last().body).unwrap();
        assert_eq!(sent["method"], method);
    }
}

/// Field: S4, G15
#[tokio::test]
async fn what_no_rule_names_is_held_in_both_eras() {
    let world = World::start().await;
    for (modern, method, params) in [
        (true, "resources/read", json!({"uri": "file:///etc/shadow"})),
        (false, "resources/read", json!({"uri": "file:///docs/../etc/shadow"})),
        (true, "resources/read", json!({"uri": "file:///docs/%2e%2e/etc/shadow"})),
        (false, "resources/subscribe", json!({"uri": "file:///etc/shadow"})),
        (false, "resources/unsubscribe", json!({"uri": "file:///etc/shadow"})),
        (true, "prompts/get", json!({"name": "unheard_of"})),
        (false, "prompts/get", json!({"name": "größe"})),
        (true, "completion/complete", prompt("unheard_of")),
        (false, "completion/complete", completed("file:///{+path}")),
        (true, "completion/complete", completed("file:///etc/{name}")),
        (
            true,
            "subscriptions/listen",
            json!({"notifications": {"resourceSubscriptions": ["file:///docs/a", "file:///etc/x"]}}),
        ),
    ] {
        let answer = asked(&world, modern, method, params.clone()).await;
        assert_eq!(answer.status, 403, "{method} {params}: {:?}", answer.body);
        assert!(answer.text().contains("is held"), "{method}: {:?}", answer.body);
        assert!(answer.headers.get("www-authenticate").is_none(), "no scope opens it");
        assert_eq!(world.last("call_refused").await.unwrap()["reason"], "held");
    }
    world.upstream.got_nothing();
}

/// Field: S4, G15
#[tokio::test]
async fn medium_and_high_are_stepped_up_to_and_opened_by_their_scope_alone() {
    for modern in [true, false] {
        let world = World::start().await;
        let read = async |uri: &str| asked(&world, modern, "resources/read", json!({"uri": uri})).await;
        let scope = |needed: &str| match modern {
            true => needed.to_owned(),
            false if needed < "tickets:low" => format!("{needed} tickets:low"),
            false => format!("tickets:low {needed}"),
        };
        read("file:///drafts/a").await.challenged(&scope("tickets:medium"));
        read("file:///vault/a").await.challenged(&scope("tickets:resource/vault"));
        let get = asked(&world, modern, "prompts/get", json!({"name": "danger_x"})).await;
        get.challenged(&scope("tickets:prompt/danger_x"));
        world.upstream.got_nothing();

        world.elevate("elv_1", "tickets:resource/vault", StepUp::Approval, 1).await;
        assert_eq!(read("file:///keys/a").await.status, 403, "another rule");
        read("file:///vault/a").await.answered();
        let decided = world.last("call_decided").await.unwrap();
        assert_eq!((&decided["tool"], &decided["uri"]), (&json!("resource vault"), &json!("file:///vault/a")));
        assert_eq!(read("file:///vault/b").await.status, 403, "used up");
        world.elevate("elv_2", "tickets:prompt/danger_x", StepUp::Approval, 1).await;
        asked(&world, modern, "prompts/get", json!({"name": "danger_y"})).await.challenged(&match modern {
            true => "tickets:prompt/danger_y".to_owned(),
            false => "tickets:low tickets:prompt/danger_x tickets:prompt/danger_y".to_owned(),
        });
        asked(&world, modern, "prompts/get", json!({"name": "danger_x"})).await.answered();
        world.elevate("elv_3", "tickets:medium", StepUp::Consent, 3).await;
        read("file:///drafts/a").await.answered();
        asked(&world, modern, "prompts/get", json!({"name": "rewrite_all"})).await.answered();
    }
}

/// Field: S4
#[tokio::test]
async fn a_subscription_follows_its_resources() {
    let world = World::start().await;
    let listen = async |uris: &[&str]| {
        world.modern("subscriptions/listen", json!({"notifications": {"resourceSubscriptions": uris}})).await
    };
    listen(&["file:///docs/a", "file:///docs/b"]).await.answered();
    listen(&["file:///docs/a", "file:///drafts/b"]).await.challenged("tickets:medium");
    listen(&["file:///vault/a", "file:///docs/b"]).await.challenged("tickets:resource/vault");
    listen(&["file:///vault/a", "file:///keys/b"]).await.refused(400, -32602);
    for bad in [json!("file:///docs/a"), json!([7]), json!(["a\0b"])] {
        world
            .modern("subscriptions/listen", json!({"notifications": {"resourceSubscriptions": bad}}))
            .await
            .refused(400, -32602);
    }
}

/// Field: S4, G15
#[tokio::test]
async fn lists_show_what_is_usable_what_may_be_asked_for_and_nothing_else() {
    let world = World::start().await;
    world.upstream.answers(|arrived| {
        let message: Value = serde_json::from_slice(&arrived.body).unwrap();
        let result = json!({
            "resources": [
                {"uri": "file:///docs/a", "name": "a"}, {"uri": "file:///vault/a", "name": "v"},
                {"uri": "file:///etc/shadow", "name": "s"}, {"uri": "file:///docs/../etc/shadow", "name": "t"},
            ],
            "resourceTemplates": [
                {"uriTemplate": "file:///docs/{page}", "name": "d"}, {"uriTemplate": "file:///{+path}", "name": "all"},
            ],
            "prompts": [{"name": "summarize"}, {"name": "danger_x"}, {"name": "unheard_of"}],
        });
        let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": result}).to_string();
        Some(reply(200, &[("content-type", "application/json")], answer))
    });
    for modern in [true, false] {
        for method in ["resources/list", "resources/templates/list", "prompts/list"] {
            let answer = asked(&world, modern, method, json!({})).await.answered().json();
            let names = |list: &str, key: &str| -> Vec<(String, String)> {
                let state = |item: &Value| item["_meta"]["io.portcullis/access"]["state"].as_str().unwrap().to_owned();
                let items = answer["result"][list].as_array().unwrap();
                items.iter().map(|item| (item[key].as_str().unwrap().to_owned(), state(item))).collect()
            };
            let pair = |name: &str, state: &str| (name.to_owned(), state.to_owned());
            assert_eq!(
                names("resources", "uri"),
                [pair("file:///docs/a", "usable"), pair("file:///vault/a", "step_up")]
            );
            assert_eq!(names("resourceTemplates", "uriTemplate"), [pair("file:///docs/{page}", "usable")]);
            assert_eq!(names("prompts", "name"), [pair("summarize", "usable"), pair("danger_x", "step_up")]);
        }
    }
}

/// The kill switch knows them, too.
#[tokio::test]
async fn a_rule_of_resources_can_be_switched_off() {
    let world = World::start().await;
    world.modern("resources/read", json!({"uri": "file:///docs/a"})).await.answered();
    world.revoke("tool", "tickets:resource/docs").await;
    assert_eq!(world.modern("resources/read", json!({"uri": "file:///docs/a"})).await.status, 403);
    world.modern_tool("get_ticket").await.answered();
}

/// A reader that ends texts at a NUL saw another method and another tool.
///
/// Field: S1
#[tokio::test]
async fn a_name_that_a_c_reader_ends_elsewhere_is_refused_at_every_depth() {
    let world = World::start().await;
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"method\u0000":"tools/call","method":"ping","params":{"name":"delete_everything"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name\u0000":"delete_everything","name":"get_x"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_x","arguments":{"a\u0000":1,"a":2}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_x","_meta":{"x":[{"y\u007f":1}]}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_x\u0000"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call\u0000x","params":{"name":"get_x"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///docs/a\u0000.md"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"summarize\u0000x"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt\u0000","name":"summarize"}}}"#,
    ] {
        let answer = world.post(&[("mcp-protocol-version", "2025-11-25")], body).await;
        assert!(answer.json().get("error").is_some(), "{body}: {:?}", answer.body);
    }
    world.upstream.got_nothing();
}

/// Field: S1
#[tokio::test]
async fn only_the_members_of_the_envelope_that_we_know_are_sent() {
    let world = World::start().await;
    let body = r#"{"x-extra":{"method":"tools/call"},"jsonrpc":"2.0","id":"\u0061","method":"tools/call","params":{"name":"get_x","more":1},"session":"s"}"#;
    world.post(&[("mcp-protocol-version", "2025-11-25")], body).await.answered();
    let sent = String::from_utf8(world.upstream.last().body.to_vec()).unwrap();
    assert_eq!(sent, r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"get_x","more":1}}"#);
}

#[tokio::test]
async fn a_reference_is_sent_as_it_was_read() {
    let world = World::start().await;
    for (sent, bad) in [
        (json!({"type": "ref/prompt", "name": "summarize", "title": "t"}), false),
        (json!({"type": "ref/prompt", "name": "summarize", "uri": "file:///etc/shadow"}), true),
        (json!({"type": "ref/resource", "uri": "file:///docs/a", "name": "x"}), true),
        (json!({"type": "ref/prompt", "Name": "x", "name": "summarize"}), true),
        (json!({"type": "ref/tool", "name": "x"}), true),
        (json!("summarize"), true),
    ] {
        let answer = world.legacy("completion/complete", json!({"ref": sent}), &[]).await;
        assert_eq!(answer.json().get("error").is_some(), bad, "{sent}: {:?}", answer.body);
    }
    let sent: Value = serde_json::from_slice(&world.upstream.last().body).unwrap();
    assert_eq!(sent["params"]["ref"], json!({"type": "ref/prompt", "name": "summarize"}));
}

/// Field: G10
#[tokio::test]
async fn one_item_that_two_parsers_read_differently_is_left_out_and_the_others_are_listed() {
    let world = World::start().await;
    for (bad, listed) in [
        (r#"{"name":"get_x","name":"delete_all"}"#, true),
        (r#"{"name":"get_x","inputSchema":{"type":"object","type":"string"}}"#, true),
        (r#"{"name\u0000":"delete_all","name":"get_x"}"#, true),
        (r#"{"name":"get_x""#, false),
    ] {
        for events in [false, true] {
            world.upstream.answers(move |_| {
                let list = format!(
                    r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{{"name":"get_a"}},{bad},{{"name":"get_b"}}]}}}}"#
                );
                Some(match events {
                    false => reply(200, &[("content-type", "application/json")], list),
                    true => reply(200, &[("content-type", "text/event-stream")], format!("data: {list}\n\n")),
                })
            });
            let bearer = format!("Bearer {}", world.token());
            let (headers, body) = world::modern("tools/list", json!({}));
            let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            headers.extend([("authorization", bearer.as_str()), ("content-type", "application/json")]);
            let answer = world.open(http::Method::POST, "/mcp/tickets", &headers, body).await;
            let body = http_body_util::BodyExt::collect(answer.into_body()).await;
            let text = body.map(|body| String::from_utf8(body.to_bytes().to_vec()).unwrap()).unwrap_or_default();
            assert_eq!(text.contains("get_a") && text.contains("get_b"), listed, "{bad} {events}: {text}");
            assert!(!text.contains("get_x") && !text.contains("delete_all"), "{text}");
        }
    }
}
