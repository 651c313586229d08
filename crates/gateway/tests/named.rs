//! What a decision rested on and whom it was about: in its record, and in the log line of a refusal.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod world;

use std::time::Duration;

use model::StepUp;
use serde_json::{Value, json};
use world::{World, log::Log, upstream::reply};

/// The value of one field in a line of the log.
fn field<'l>(line: &'l str, name: &str) -> &'l str {
    let (_, rest) = line.split_once(&format!("{name}=")).unwrap_or_else(|| panic!("no `{name}` in: {line}"));
    rest.split(' ').next().unwrap()
}

/// Field: H10
#[tokio::test]
async fn the_record_of_an_allowed_call_names_the_policies_that_allowed_it() {
    let world = World::start().await;
    world.modern_tool("get_ticket").await.answered();
    assert_eq!(world.last("call_decided").await.unwrap()["policies"], json!(["low-standing"]));
    world.modern("tools/list", json!({})).await.answered();
    assert_eq!(world.last("call_decided").await.unwrap()["policies"], json!(["connect"]));
    world.elevate("elv_1", "tickets:medium", StepUp::Consent, 1).await;
    world.modern_tool("create_ticket").await.answered();
    assert_eq!(world.last("call_decided").await.unwrap()["policies"], json!(["medium-by-consent"]));
}

/// Field: H10, H11
#[tokio::test]
async fn a_refusal_names_its_policy_agent_person_tool_and_request_in_record_and_log_alike() {
    const OWN: &str = r#"@id("not-on-tickets") forbid (principal, action in Action::"call", resource)
                         when { resource.tier == Tier::"low" };"#;
    let (world, log) = (World::start_with(OWN).await, Log::begin());
    let refused = world.modern_tool("get_ticket").await;
    refused.tool_error("a policy forbids get_ticket");
    let record = world.last("call_refused").await.unwrap();
    assert_eq!(record["policies"], json!(["not-on-tickets"]));
    let lines = log.of("call_refused");
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    for name in ["agent", "person", "server", "tool", "request", "reason"] {
        assert_eq!(json!(field(line, name)), record[name], "{name}");
    }
    assert_eq!((field(line, "policies"), field(line, "person")), ("not-on-tickets", "ada"));
    assert!(!line.contains("41"), "no argument: {line}");
}

/// Field: H10
#[tokio::test]
async fn a_step_up_names_the_policy_that_asks_for_it() {
    let world = World::start().await;
    world.modern_tool("delete_ticket").await.challenged("tickets.delete_ticket");
    let record = world.last("call_refused").await.unwrap();
    assert_eq!((&record["decision"], &record["policies"]), (&json!("step_up"), &json!(["high-by-approval"])));
}

/// What nobody decided on names no policy, and still says who it was.
///
/// Field: H11
#[tokio::test]
async fn a_request_that_was_refused_early_names_who_sent_it() {
    let (world, log) = (World::start().await, Log::begin());
    world.modern("tools/call", json!({})).await;
    world.post(&[], "{").await;
    let lines = log.of("call_refused");
    assert_eq!(lines.len(), 2, "{lines:?}");
    let records = world.records().await;
    let refused: Vec<&Value> = records.iter().filter(|record| record["event"] == "call_refused").collect();
    for (line, record) in lines.iter().zip(refused) {
        assert_eq!(json!(field(line, "request")), record["request"]);
        assert_eq!((field(line, "agent"), record.get("policies")), ("bot@ada", None));
    }
}

/// A stranger's line has no more than before: nothing that a stranger says of itself is known to be true.
///
/// Field: H11
#[tokio::test]
async fn a_stranger_is_named_by_nothing() {
    let (world, log) = (World::start().await, Log::begin());
    world.send(http::Method::POST, "/mcp/tickets", &[("authorization", "Bearer agent=root")], "{}").await;
    let lines = log.of("call_refused");
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert!(!line.contains("agent") && line.contains("server=tickets"), "{line}");
}

/// Each call has its own record; a line for each would fill the log of whoever has a server that is away.
///
/// Field: H11
#[tokio::test]
async fn a_server_that_fails_is_said_at_once_and_every_ten_seconds_with_a_count() {
    let world = World::start().await;
    world.upstream.answers(|_| Some(reply(200, &[("content-encoding", "gzip")], "")));
    let log = Log::begin();
    let fails = async || drop(world.modern_tool("get_ticket").await);
    let counts = || log.of("bad_upstream").iter().map(|line| field(line, "count").to_owned()).collect::<Vec<_>>();
    for _ in 0..20 {
        fails().await;
    }
    assert_eq!(counts(), ["1"]);
    for (seconds, said) in [(9, &["1"][..]), (2, &["1", "21"])] {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(seconds)).await;
        tokio::time::resume();
        fails().await;
        assert_eq!(counts(), said);
    }
}
