//! Policies that look at the arguments of a call, at the gate: what they see is what is sent.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod world;

use std::sync::Arc;

use catalogue::Definition;
use http::Method;
use model::{Actor, StepUp};
use privilege::{Refused, catalogue::accept};
use serde_json::{Value, json};
use store::Commit;
use world::{World, upstream::reply};

/// A world before a server that lists these tools, with this policy.
async fn world(policies: &str, tools: Value) -> World {
    let world = World::start_at(policies, json!({"definitions": "first_seen"})).await;
    world.upstream.answers(move |arrived| {
        let message: Value = serde_json::from_slice(&arrived.body).ok()?;
        let rest = json!({"resultType": "complete", "ttlMs": 0, "cacheScope": "private"});
        let mut result = match (message["method"].as_str()?, message["params"]["arguments"]["id"].as_i64()) {
            ("tools/list", _) => json!({"tools": tools}),
            ("prompts/list", _) => json!({"prompts": []}),
            ("tools/call", Some(1)) if message["params"].get("requestState").is_none() => {
                let asks = json!({"resultType": "input_required", "requestState": "s", "inputRequests": {}});
                let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": asks}).to_string();
                return Some(reply(200, &[("content-type", "application/json")], answer));
            }
            _ => return None,
        };
        result.as_object_mut()?.extend(rest.as_object()?.clone());
        let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": result}).to_string();
        Some(reply(200, &[("content-type", "application/json")], answer))
    });
    world
}

fn tools() -> Value {
    let schema = json!({"type": "object", "properties": {"id": {"type": "integer"}, "rate": {"type": "number"}}});
    json!([{"name": "get_ticket", "inputSchema": schema}, {"name": "delete_ticket", "inputSchema": schema}])
}

async fn call(world: &World, tool: &str, arguments: Value) -> world::Answer {
    world.modern("tools/call", json!({"name": tool, "arguments": arguments})).await
}

/// So many calls of a tool arrived upstream.
fn called(world: &World) -> usize {
    let is_call = |body: &[u8]| body.windows(12).any(|text| text == b"\"tools/call\"");
    world.upstream.arrived().iter().filter(|arrived| arrived.method == Method::POST && is_call(&arrived.body)).count()
}

const SMALL: &str = r#"@id("small") forbid (principal, action == Action::"tickets.get_ticket", resource)
    when { context.input has id && context.input.id > 40 };
    forbid (principal, action == Action::"tickets.get_ticket", resource)
    when { context.input has rate && context.input.rate.greaterThan(decimal("1.0")) };"#;

/// Field: L10
#[tokio::test]
async fn a_call_is_decided_by_the_arguments_that_are_sent() {
    let world = world(SMALL, tools()).await;
    call(&world, "get_ticket", json!({"id": 40})).await.answered();
    assert_eq!(called(&world), 1);
    for refused in [
        call(&world, "get_ticket", json!({"id": 41})).await,
        call(&world, "get_ticket", json!({"id": 41.0})).await,
        call(&world, "get_ticket", json!({"rate": 1.5})).await,
        world.legacy("tools/call", json!({"name": "get_ticket", "arguments": {"id": 41}}), &[]).await,
    ] {
        refused.tool_error("a policy forbids get_ticket");
    }
    assert_eq!(called(&world), 1);
    let refused = world.last("call_refused").await.unwrap();
    assert_eq!((&refused["reason"], &refused["policies"]), (&json!("forbidden"), &json!(["small"])));
    // It is listed: some arguments are allowed.
    let list = world.modern("tools/list", json!({})).await.answered().json();
    assert_eq!(list["result"]["tools"][0]["name"], "get_ticket");
}

/// What is wrong is said to whoever can mend it, and what was sent is not repeated.
#[tokio::test]
async fn arguments_that_no_policy_could_compare_are_denied_and_named() {
    let world = world(SMALL, tools()).await;
    let refused = call(&world, "get_ticket", json!({"rate": 1.23456789})).await;
    let refused = refused.tool_error("/rate: this number has more than four digits after the point");
    assert!(!refused.text().contains("23456789"), "{}", refused.text());
    assert_eq!(world.last("call_refused").await.unwrap()["reason"], "untyped_input");
    call(&world, "get_ticket", json!({"id": 9_223_372_036_854_775_808_u64}))
        .await
        .tool_error("/id: this is not a whole number");
    // What the definition itself does not allow is said in its words.
    call(&world, "get_ticket", json!({"id": "x"})).await.tool_error("the arguments are not what the tool takes");
    assert_eq!(called(&world), 0);
}

/// Who brings back a state may bring other arguments than those for which it was given out.
///
/// Field: L11
#[tokio::test]
async fn a_call_that_comes_again_with_a_state_is_decided_by_the_arguments_it_comes_with() {
    let world = world(SMALL, tools()).await;
    let asked = call(&world, "get_ticket", json!({"id": 1})).await.answered().json();
    let state = asked["result"]["requestState"].as_str().unwrap().to_owned();
    let again = |arguments: Value| json!({"name": "get_ticket", "arguments": arguments, "requestState": state});
    let before = called(&world);
    world.modern("tools/call", again(json!({"id": 41}))).await.tool_error("a policy forbids get_ticket");
    world.modern("tools/call", again(json!({"id": "x"}))).await.tool_error("not what the tool takes");
    assert_eq!(called(&world), before);
    world.modern("tools/call", again(json!({"id": 2}))).await.answered();
}

/// A tool of the high tier that small calls need nobody for.
#[tokio::test]
async fn what_a_call_needs_depends_on_what_it_is_called_with() {
    let small = r#"permit (principal, action == Action::"tickets.delete_ticket", resource)
        when { context.input has id && context.input.id < 10 };"#;
    let world = world(small, tools()).await;
    call(&world, "delete_ticket", json!({"id": 5})).await.answered();
    assert!(world.last("call_decided").await.unwrap()["elevation"].is_null());
    let refused = call(&world, "delete_ticket", json!({"id": 50})).await;
    assert_eq!(refused.status, 403);
    assert!(refused.header("www-authenticate").contains("tickets.delete_ticket"));
    world.elevate("elv_1", "tickets.delete_ticket", StepUp::Approval, 5).await;
    call(&world, "delete_ticket", json!({"id": 50})).await.answered();
    assert_eq!(called(&world), 2);
}

/// What a policy would not mean anything for any more does not count, whoever lists it and whoever accepts it.
#[tokio::test]
async fn a_definition_that_breaks_a_policy_is_held_and_can_not_be_accepted() {
    let every = r#"forbid (principal, action in Action::"call", resource in Server::"tickets")
        when { context has input && context.input has id && context.input.id > 40 };"#;
    let schema = json!({"type": "object", "properties": {"id": {"type": "string"}}});
    let tool = json!({"name": "get_ticket", "inputSchema": schema});
    let world = world(every, json!([tool])).await;
    call(&world, "get_ticket", json!({"id": "41"})).await.tool_error("it is new");
    let digest = Definition::of_tool(mcp::json::check(tool.to_string().as_bytes()).unwrap()).unwrap().digest();
    let file = policy::PolicyFile { name: "own.cedar".into(), text: every.into() };
    let policies = Arc::new(policy::Policies::load(&[file]).unwrap());
    let change = world.store.write::<_, Refused, _>(move |tx| {
        Box::pin(async move {
            let actor = Actor::Person("dan".parse().unwrap());
            let (server, name) = ("tickets".parse().unwrap(), "get_ticket".parse().unwrap());
            Ok(Commit::with(accept(tx, &server, &name, &digest, &policies, actor).await?, ()))
        })
    });
    let refused = change.await.unwrap_err();
    assert!(matches!(refused, Refused::BreaksPolicy { .. }), "{refused:?}");
    let said = refused.to_string();
    for part in ["own.cedar:2:", "`tickets.get_ticket`", "change the policy so that it fits"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    call(&world, "get_ticket", json!({"id": "41"})).await.tool_error("it is new");
}
