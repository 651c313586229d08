//! How whoever called is told, and what they do then.

use std::sync::Arc;

use super::*;

/// A gateway over the same store, whose client is told by the results of tools.
pub fn telling(world: &World, style: &str) -> Arc<Gateway> {
    holding(world, style, 0)
}

/// The same, which holds calls for a decision.
pub fn holding(world: &World, style: &str, hold: u32) -> Arc<Gateway> {
    let server = json!({"url": world.upstream.url(), "tools": {"create_*": "medium", "delete_*": "high"}, "definitions": "unpinned"});
    let config = json!({
        "public_url": "http://127.0.0.1:8420",
        "clients": {"challenge": {"https://bot.test/client.json": style, "nightly": style}},
        "elevation": {"hold": hold},
        "servers": {"tickets": server},
    });
    let _: Config = serde_json::from_value(config.clone()).unwrap();
    gateway_of(&world.store, "", config).unwrap()
}

/// Field: V8
#[tokio::test]
async fn a_client_that_drops_the_challenge_is_told_by_the_result_of_the_tool() {
    let mut world = exact().await;
    world.gateway = telling(&world, "tool_error");
    let refused = call(&world, json!({"id": 7})).await.tool_error("the same call will work afterwards");
    assert_eq!(refused.header("www-authenticate"), "");
    let left = asked(&world).await;
    let at = format!("http://127.0.0.1:8420/me/asked/{}", left.id);
    assert!(refused.text().contains(&at), "{}", refused.text());
    let denial = &refused.json()["result"]["_meta"]["io.portcullis/denial"];
    assert_eq!(denial["authorizationContextId"], *left.id.as_str());
    assert_eq!(denial["remediation"][0], json!({"type": "url", "url": at, "by": "approval"}));
    let id = requested(&world).await;
    call(&world, json!({"id": 7})).await.tool_error("waits for a decision");
    // Another call is another question, and takes nothing from this one.
    world.clock.advance(Span::from_seconds(1));
    call(&world, json!({"id": 8})).await.tool_error("needs the approval of another person");
    requested(&world).await;
    call(&world, json!({"id": 7})).await.tool_error(id.as_str());
    decided(&world, &id, true).await.unwrap();
    call(&world, json!({"id": 7})).await.answered();
    let medium = world.modern("tools/call", json!({"name": "create_ticket", "arguments": {}})).await;
    medium.tool_error("needs your consent").tool_error("http://127.0.0.1:8420/me");
}

/// A call of a client that can send its person to an address; `more` goes into `params`.
async fn call_with_urls(world: &World, arguments: Value, more: Value) -> Answer {
    let mut params = json!({"name": "delete_ticket", "arguments": arguments});
    for (name, value) in more.as_object().unwrap() {
        params[name] = value.clone();
    }
    let (headers, body) = modern("tools/call", params);
    let mut body: Value = serde_json::from_str(&body).unwrap();
    let capabilities = json!({"elicitation": {"form": {}, "url": {}}});
    body["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = capabilities;
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    world.post(&headers, body.to_string()).await
}

/// Spec: MCP 2026-07-28 client/elicitation (url mode), basic/patterns/mrtr
/// Field: U1
#[tokio::test]
async fn a_client_that_can_sends_its_person_to_the_page_and_makes_the_call_again() {
    let mut world = exact().await;
    world.gateway = telling(&world, "tool_error");
    let sent = call_with_urls(&world, json!({"id": 7}), json!({})).await.answered();
    let result = &sent.json()["result"];
    assert_eq!(result["resultType"], "input_required");
    let request = &result["inputRequests"]["io.portcullis/step_up"];
    assert_eq!((&request["method"], &request["params"]["mode"]), (&json!("elicitation/create"), &json!("url")));
    let left = asked(&world).await;
    assert_eq!(request["params"]["url"], format!("http://127.0.0.1:8420/me/asked/{}", left.id));
    assert!(request["params"]["message"].as_str().unwrap().contains("approval of another person"));
    // Once: whoever comes back is told what has become of it, whatever the person did.
    let back = |action: &str| json!({"inputResponses": {"io.portcullis/step_up": {"action": action}}});
    call_with_urls(&world, json!({"id": 7}), back("decline")).await.tool_error("can ask for it at");
    let id = requested(&world).await;
    call_with_urls(&world, json!({"id": 7}), back("accept")).await.tool_error("waits for a decision");
    assert!(world.upstream.arrived().is_empty());
    decided(&world, &id, true).await.unwrap();
    call_with_urls(&world, json!({"id": 7}), back("accept")).await.answered();
    let arrived: Value = serde_json::from_slice(&world.upstream.last().body).unwrap();
    assert_eq!(arrived["params"].get("inputResponses"), None, "its server never asked");
}

/// A client says what it can do when its session begins, and never again.
///
/// Spec: MCP 2025-11-25 client/elicitation (URL elicitation required error), basic/lifecycle (capability negotiation)
/// Field: U5, U6
#[tokio::test]
async fn a_session_that_began_by_saying_so_is_told_by_an_error_that_brings_its_person_to_the_page() {
    let mut world = exact().await;
    world.gateway = telling(&world, "tool_error");
    let begin = async |capabilities: Value, version: &str| {
        let hello = json!({"protocolVersion": version, "capabilities": capabilities});
        world.legacy("initialize", hello, &[]).await.header("mcp-session-id").to_owned()
    };
    let can = begin(json!({"elicitation": {"form": {}, "url": {}}}), "2025-11-25").await;
    let can_not = begin(json!({"elicitation": {}}), "2025-11-25").await;
    let call = async |session: &str, version: &str| {
        let params = json!({"name": "delete_ticket", "arguments": {"id": 7}});
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
        world.post(&[("mcp-session-id", session), ("mcp-protocol-version", version)], body).await
    };
    let sent = call(&can, "2025-11-25").await;
    assert_eq!(sent.status, 200);
    let error = &sent.json()["error"];
    let left = asked(&world).await;
    let url = format!("http://127.0.0.1:8420/me/asked/{}", left.id);
    assert_eq!(error["code"], -32042);
    assert!(error["message"].as_str().unwrap().contains(&url), "whoever only shows the words shows where: {error}");
    let elicitation = &error["data"]["elicitations"][0];
    assert_eq!((&elicitation["mode"], &elicitation["url"]), (&json!("url"), &json!(url)));
    assert!(elicitation["elicitationId"].is_string(), "{error}");
    // Who did not say so, and who speaks a revision that has no such error, reads it.
    call(&can_not, "2025-11-25").await.tool_error("can ask for it at");
    call(&can, "2025-06-18").await.tool_error("can ask for it at");
    // It opens nothing: the person has to ask, and another one to approve.
    let id = requested(&world).await;
    call(&can, "2025-11-25").await.tool_error("waits for a decision");
    let names_it = |body: &[u8]| String::from_utf8_lossy(body).contains("delete_ticket");
    assert!(world.upstream.arrived().iter().all(|arrived| !names_it(&arrived.body)));
    decided(&world, &id, true).await.unwrap();
    call(&can, "2025-11-25").await.answered();
}

/// What is said in `inputResponses` opens nothing.
///
/// Field: U2
#[tokio::test]
async fn to_say_that_the_person_went_there_is_no_approval() {
    let mut world = exact().await;
    world.gateway = telling(&world, "tool_error");
    let said =
        json!({"inputResponses": {"io.portcullis/step_up": {"action": "accept", "content": {"approved": true}}}});
    call_with_urls(&world, json!({"id": 7}), said).await.tool_error("needs the approval of another person");
    assert!(world.upstream.arrived().is_empty());
    // Whoever can not send a person anywhere, and whoever follows the challenge, is told as ever.
    call(&world, json!({"id": 7})).await.tool_error("can ask for it at");
    world.gateway = telling(&world, "http");
    call_with_urls(&world, json!({"id": 7}), json!({})).await.challenged("tickets.delete_ticket");
}

/// Field: V8
#[tokio::test]
async fn both_ways_of_telling_go_together() {
    let mut world = exact().await;
    world.gateway = telling(&world, "both");
    let refused = call(&world, json!({"id": 7})).await.challenged("tickets.delete_ticket");
    let result = &refused.json()["result"];
    assert_eq!(result["isError"], true);
    let repeated = result["_meta"]["mcp/www_authenticate"][0].as_str().unwrap();
    assert_eq!(repeated, refused.header("www-authenticate"));
}
