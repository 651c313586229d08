//! Policies that are asked about, and tables that say what they are meant to say.

#![allow(clippy::unwrap_used)]

mod installation;

use std::fs;

use crypto::AgentKey;
use installation::Installation;
use serde_json::Value;

/// With a policy that keeps clients that anybody can claim to be from writing.
fn installation() -> Installation {
    let key = AgentKey::generate();
    let installation = Installation::new(&format!(
        "servers: {{tickets: {{url: 'http://127.0.0.1:1/mcp', definitions: unpinned,\n  \
         tools: {{'get_*': low, 'create_*': medium, 'delete_*': high}}}}}}\npeople: {{ada: {{}}}}\npolicies: ./policies\n\
         agents: {{nightly: {{owner: ada, purpose: to test, servers: [tickets], public_key: {}}}}}\n",
        key.public_jwk()
    ));
    fs::create_dir(installation.path("policies")).unwrap();
    let policy = r#"@id("no-claimed-writers") forbid (principal, action in Action::"call", resource)
        when { principal.assurance == Assurance::"declared" && resource.tier != Tier::"low" };"#;
    fs::write(installation.path("policies/writers.cedar"), policy).unwrap();
    installation
}

fn table(installation: &Installation, rows: &str) -> installation::Ended {
    fs::write(installation.path("policies/writers.test.yaml"), format!("tests:\n{rows}")).unwrap();
    installation.run(&["policy", "test"])
}

#[test]
fn tables_that_say_what_policies_say_hold() {
    let installation = installation();
    assert_eq!(serve_once(&installation), Some(0));
    let rows = r#"
- { agent: nightly, tool: tickets.get_ticket, expect: allow, policies: [low-standing] }
- { agent: nightly, tool: tickets.delete_ticket, expect: step_up, by: approval }
- { agent: nightly, tool: tickets.delete_ticket, holds: approval, expect: allow }
- { agent: nightly, tool: tickets.unheard_of, expect: deny, policies: [held-tool] }
- { agent: nightly, tool: tickets.unheard_of, tier: low, expect: allow }
- { agent: claude@eve, kind: delegated, assurance: declared, owner: eve, tool: tickets.create_ticket, expect: deny }
- { agent: "*", assurance: declared, tool: "tickets.*", holds: approval, tier: medium, expect: deny, policies: [no-claimed-writers] }
- name: nobody deletes with consent alone
  agent: "*"
  tool: tickets.delete_*
  holds: consent
  assurance: proven
  expect: step_up
  by: approval
- { agent: "*", issue: "*", expect: allow, policies: [issue] }
"#;
    let held = table(&installation, rows);
    assert!(held.status == Some(0) && held.said.contains("9 of 9 rows hold"), "{}", held.said);
    let wrong = table(&installation, "- { agent: nightly, issue: tickets, expect: deny }");
    let why = "nightly (autonomous, proven) asks for a token for tickets: it is allow, as issue say";
    assert!(wrong.status == Some(1) && wrong.said.contains(why), "{}", wrong.said);
}

#[test]
fn a_row_that_does_not_hold_says_who_could_do_what_by_which_policy() {
    let installation = installation();
    let rows = r#"
- { agent: "*", tool: "tickets.get_*", expect: deny, name: nobody reads }
- { agent: "*", assurance: published, tool: "tickets.create_*", expect: step_up, by: approval }
"#;
    let said = table(&installation, rows);
    assert_eq!(said.status, Some(1), "{}", said.said);
    for part in [
        "row 1 (nobody reads): somebody (delegated, declared) calls tickets.get_x with its standing grant: it is allow, as \
         low-standing say",
        "row 2: somebody (delegated, published) calls tickets.create_x with its standing grant: it is step_up by consent",
        "0 of 2 rows hold",
    ] {
        assert!(said.said.contains(part), "{part}: {}", said.said);
    }
    let json = installation.run(&["--json", "policy", "test"]);
    let json: Value = serde_json::from_str(&json.printed).unwrap();
    assert_eq!((&json["rows"], json["failed"].as_array().unwrap().len()), (&2.into(), 2));
}

/// A row that speaks of nothing would hold for ever.
#[test]
fn a_table_that_says_nothing_is_refused() {
    let installation = installation();
    for (rows, why) in [
        ("- { agent: \"*\", tool: \"other.*\", expect: deny }", "no tool that is known fits `other.*`"),
        ("- { agent: janitor, tool: tickets.get_x, expect: deny }", "there is no agent `janitor`"),
        ("- { agent: \"*\", tool: other.get_x, expect: deny }", "there is no server `other`"),
        ("- { agent: \"*\", tool: nonsense, expect: deny }", "is not a tool"),
        ("- { agent: \"*\", expect: deny }", "say what it is about: `tool: SERVER.TOOL`, or `issue: SERVER`"),
        ("- { agent: \"*\", tool: tickets.get_x, issue: tickets, expect: deny }", "and not about both"),
        ("- { agent: \"*\", issue: ticket, expect: deny }", "there is no server `ticket`"),
        ("- { agent: \"*\", issue: tickets, holds: approval, expect: deny }", "and nothing of a token"),
        ("- { agent: \"*\", tool: tickets.get_x, expect: maybe }", "writers.test.yaml"),
        ("- { agent: \"*\", tool: tickets.get_x }", "writers.test.yaml"),
        ("- { agent: \"*\", tool: tickets.get_x, expect: deny, expects: allow }", "writers.test.yaml"),
    ] {
        let said = table(&installation, rows);
        assert!(said.status == Some(2) && said.said.contains(why), "{rows}: {}", said.said);
    }
    fs::remove_file(installation.path("policies/writers.test.yaml")).unwrap();
    let none = installation.run(&["policy", "test"]);
    assert!(none.status == Some(2) && none.said.contains("there is no table"), "{}", none.said);
}

#[test]
fn a_call_is_explained_with_what_would_have_to_be_true() {
    let installation = installation();
    assert_eq!(serve_once(&installation), Some(0));
    let explain = |tool: &str| installation.run(&["policy", "explain", "nightly", tool]);
    for (tool, parts) in [
        ("tickets.get_ticket", &["So: it may be called as it is", "low-standing"][..]),
        ("tickets.create_ticket", &["once its person consents to tickets:medium", "medium-by-consent"]),
        ("tickets.delete_ticket", &["once another person approves tickets.delete_ticket", "high-by-approval"]),
        ("tickets.unheard_of", &["no rule names it: give it a tier in `tools`", "held-tool"]),
    ] {
        let said = explain(tool);
        assert_eq!(said.status, Some(0), "{}", said.said);
        parts.iter().for_each(|part| assert!(said.said.contains(part), "{tool}: {part}: {}", said.said));
        assert!(said.said.contains("it holds no grant on tickets: it has to authorize"), "{}", said.said);
    }
    let stopped = installation.run(&["revoke", "agent", "nightly", "--reason", "a drill"]);
    assert_eq!(stopped.status, Some(0), "{}", stopped.said);
    assert!(explain("tickets.get_ticket").said.contains("the kill switch covers agent nightly: restore it"));
    let json = installation.run(&["--json", "policy", "explain", "nightly", "tickets.delete_ticket"]);
    let json: Value = serde_json::from_str(&json.printed).unwrap();
    assert_eq!((&json["with"][0]["decision"], &json["with"][2]["decision"]), (&"step_up".into(), &"allow".into()));
    for (args, why) in [
        (["policy", "explain", "janitor", "tickets.get_x"], "there is no agent `janitor`"),
        (["policy", "explain", "nightly", "other.get_x"], "there is no server `other`"),
        (["policy", "explain", "nightly", "nonsense"], "is no tool"),
    ] {
        let said = installation.run(&args);
        assert!(said.status == Some(2) && said.said.contains(why), "{args:?}: {}", said.said);
    }
}

/// The agents of the file are in the store once it was served.
fn serve_once(installation: &Installation) -> Option<i32> {
    installation.serve().terminate()
}

/// A server whose tools were accepted, and policies about what they are called with.
async fn with_arguments() -> Installation {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(tickets::serve(listener));
    let key = AgentKey::generate();
    let installation = Installation::new(&format!(
        "servers: {{tickets: {{url: 'http://127.0.0.1:{port}/mcp', for: [ops, nobodys],\n  \
         tools: {{'get_*': low, 'list_*': low, 'create_*': medium, 'update_*': medium, 'delete_*': high}}}}}}\n\
         people: {{ada: {{groups: [ops]}}, bob: {{}}}}\npolicies: ./policies\nagents:\n  \
         nightly: {{owner: ada, purpose: to test, servers: [tickets], public_key: {}}}\n",
        key.public_jwk()
    ));
    fs::create_dir(installation.path("policies")).unwrap();
    let policy = r#"@id("own-customers") forbid (principal, action == Action::"tickets.create_ticket", resource)
        unless { context.input.customer == "C-3" };
        @id("t1-may-go") permit (principal, action == Action::"tickets.delete_ticket", resource)
        when { context.input.id == "T-1" };
        @id("later") forbid (principal, action == Action::"tickets.merge", resource) when { context.input.x == 1 };"#;
    fs::write(installation.path("policies/own.cedar"), policy).unwrap();
    let installation = tokio::task::spawn_blocking(move || {
        let serving = installation.serve();
        // What is listed first counts, and is written down.
        while !installation.run(&["tool", "show", "tickets.delete_ticket"]).said.contains("accepted") {}
        assert_eq!(serving.terminate(), Some(0));
        installation
    });
    installation.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_are_explained_and_stand_in_tables() {
    let installation = with_arguments().await;
    let explain = |input: &[&str]| {
        let args = [&["policy", "explain", "nightly", "tickets.delete_ticket"], input].concat();
        installation.run(&args)
    };
    let any = explain(&[]);
    assert!(any.said.contains("for some arguments: policies look at them"), "{}", any.said);
    for (input, said) in [
        (r#"{"id": "T-1"}"#, "So: it may be called as it is"),
        (r#"{"id": "T-2"}"#, "once another person approves tickets.delete_ticket"),
    ] {
        let explained = explain(&["--input", input]);
        assert!(explained.status == Some(0) && explained.said.contains(said), "{input}: {}", explained.said);
    }
    for (input, why) in [
        (r#"{"id": 7}"#, "/id: this is not a string"),
        ("[]", "not a JSON object"),
        (r#"{"id": "T-1", "id": "T-2"}"#, "not JSON with one meaning"),
    ] {
        let refused = explain(&["--input", input]);
        assert!(refused.status == Some(2) && refused.said.contains(why), "{input}: {}", refused.said);
    }
    let rows = r#"
- { agent: nightly, tool: tickets.delete_ticket, input: { id: T-1 }, expect: allow, policies: [t1-may-go] }
- { agent: nightly, tool: tickets.delete_ticket, input: { id: T-2 }, expect: step_up, by: approval }
- { agent: nightly, tool: tickets.delete_ticket, input: { id: 7 }, expect: deny }
- { agent: nightly, tool: tickets.delete_ticket, expect: allow }
- { agent: nightly, tool: tickets.create_ticket, holds: consent, input: { subject: s, body: b, customer: C-3 }, expect: allow }
- { agent: nightly, tool: tickets.create_ticket, holds: consent, input: { subject: s, body: b, customer: C-4 }, expect: deny, policies: [own-customers] }
- { agent: other, kind: autonomous, assurance: proven, owner: bob, tool: tickets.get_ticket, expect: deny, policies: [not-for-them] }
"#;
    let held = table(&installation, rows);
    assert!(held.status == Some(0) && held.said.contains("7 of 7 rows hold"), "{}", held.said);
    let unknown = table(&installation, "- { agent: nightly, tool: tickets.merge, input: { x: 1 }, expect: deny }");
    assert!(unknown.status == Some(2) && unknown.said.contains("is not accepted"), "{}", unknown.said);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_checked_yet_and_groups_of_nobody_are_told() {
    let installation = with_arguments().await;
    let checked = installation.run(&["policy", "check"]);
    assert_eq!(checked.status, Some(0), "{}", checked.said);
    for part in [
        "own.cedar:5: what policy `later` says of the arguments of `tickets.merge` is not checked yet",
        "there is no tool `tickets.merge`",
        "servers.tickets.for: nobody is in the group `nobodys`",
    ] {
        assert!(checked.said.contains(part), "{part}: {}", checked.said);
    }
    let schema = installation.run(&["policy", "schema"]);
    assert!(schema.printed.contains("action \"tickets.create_ticket\" in [call] appliesTo {"), "{}", schema.printed);
    // What was accepted does not have what this speaks of.
    let wrong = "forbid (principal, action == Action::\"tickets.delete_ticket\", resource)\nwhen { context.input.ticket == \"T-1\" };";
    fs::write(installation.path("policies/wrong.cedar"), wrong).unwrap();
    let refused = installation.run(&["policy", "check"]);
    assert!(refused.status == Some(2) && refused.said.contains("wrong.cedar:2:"), "{}", refused.said);
    assert!(installation.refuses_to_serve().contains("wrong.cedar:2:"));
}

/// A policy that asks for an exception, and an exception for which none asks.
///
/// Field: Y3
#[tokio::test]
async fn an_exception_is_added_listed_asked_about_and_ended_and_one_that_no_policy_asks_for_is_named() {
    let installation = installation();
    let freeze = r#"@id("freeze") forbid (principal, action in Action::"call", resource)
        unless { context.exceptions.contains("change-freeze") };"#;
    fs::write(installation.path("policies/freeze.cedar"), freeze).unwrap();
    let serving = installation.serve();
    let run = |arguments: &[&str]| installation.run(arguments);
    let add = ["--agent", "nightly", "--reason", "INC-7", "--for", "8h", "--owner", "ada"];
    let added = run(&[&["--json", "exception", "add", "change-freeze", "--server", "tickets"][..], &add].concat());
    assert_eq!(added.status, Some(0), "{}", added.said);
    let added: Value = serde_json::from_str(&added.printed).unwrap();
    assert_eq!(added["through"], "the running node");
    let id = added["exception"].as_str().unwrap();
    for (arguments, why) in [
        (&["exception", "add", "Change-Freeze"][..], "is no name of an exception"),
        (&["exception", "add", "change-freeze", "--server", "nowhere"], "there is no server `nowhere`"),
        (&["exception", "add", "change-freeze", "--server", "tickets"], "the agent has it already"),
    ] {
        let said = run(&[arguments, &add].concat());
        assert!(said.status == Some(2) && said.said.contains(why), "{arguments:?}: {}", said.said);
    }
    let said = run(&["policy", "explain", "nightly", "tickets.get_ticket"]).said;
    assert!(said.contains("Excepted: change-freeze") && said.contains("it may be called as it is"), "{said}");
    let said = run(&["policy", "explain", "nightly", "tickets.get_ticket", "--exception", "freezing"]).said;
    assert!(said.contains("no policy asks for the exception `freezing`"), "{said}");
    let rows = "- { agent: nightly, tool: tickets.get_ticket, exceptions: [change-freeze], expect: allow }\n\
                - { agent: nightly, tool: tickets.get_ticket, expect: deny, policies: [freeze] }\n";
    let held = table(&installation, rows);
    assert!(held.said.contains("2 of 2 rows hold"), "a table knows the exceptions that it names alone: {}", held.said);
    let named =
        table(&installation, "- { agent: nightly, tool: tickets.get_ticket, exceptions: [other], expect: deny }");
    assert!(named.said.contains("no policy asks for the exception `other`"), "{}", named.said);
    assert_eq!(run(&[&["exception", "add", "spare"][..], &add].concat()).status, Some(0));
    let check = run(&["policy", "check"]).said;
    assert!(
        check.contains("(`spare` of nightly): no policy asks for it") && !check.contains("`change-freeze`"),
        "{check}"
    );
    let listed = run(&["--json", "exception", "list"]);
    let listed: Vec<Value> = serde_json::from_str(&listed.printed).unwrap();
    let mine = listed.iter().find(|one| one["id"] == id).unwrap();
    assert_eq!((&mine["owner"], &mine["reason"], &mine["stands"]), (&"ada".into(), &"INC-7".into(), &true.into()));
    assert_eq!(run(&["exception", "end", id]).status, Some(0));
    assert!(run(&["exception", "end", id]).said.contains("is over already"));
    assert!(run(&["policy", "explain", "nightly", "tickets.get_ticket"]).said.contains("whatever it holds it may not"));
    assert_eq!(serving.terminate(), Some(0));
    let verified = run(&["audit", "verify"]);
    assert_eq!(verified.status, Some(0), "{}", verified.said);
}

/// Spec: docs/decisions/0043-tokens-in-one-pair-of-hands.md
#[test]
fn a_policy_that_demands_a_key_stands_in_tables_and_is_explained() {
    let installation = installation();
    let policy = r#"@id("keys") forbid (principal, action in Action::"call", resource)
        when { resource.tier == Tier::"high" && !context.key_proven };"#;
    fs::write(installation.path("policies/keys.cedar"), policy).unwrap();
    assert_eq!(serve_once(&installation), Some(0));
    let rows = "- { agent: nightly, tool: tickets.delete_ticket, expect: deny, policies: [keys] }\n\
                - { agent: nightly, tool: tickets.delete_ticket, key_proven: true, expect: step_up, by: approval }\n\
                - { agent: nightly, tool: tickets.get_ticket, expect: allow }\n";
    let held = table(&installation, rows);
    assert!(held.status == Some(0) && held.said.contains("3 of 3 rows hold"), "{}", held.said);
    let explained = installation.run(&["policy", "explain", "nightly", "tickets.delete_ticket"]).said;
    assert!(explained.contains("with a token that is bound to a key"), "{explained}");
}
