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
    let policy = r#"@id("no-claimed-writers") forbid (principal, action == Action::"call", resource)
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
"#;
    let held = table(&installation, rows);
    assert!(held.status == Some(0) && held.said.contains("8 of 8 rows hold"), "{}", held.said);
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
