//! Every example of docs/policies.md means what the page says.

#![allow(clippy::unwrap_used)]

use portcullis_policy::{Accepted, Directory, InputType, Policies, PolicyFile};
use serde_json::json;

const MANUAL: &str = include_str!("../../../docs/policies.md");

fn examples() -> Vec<PolicyFile> {
    let blocks = MANUAL.split("```cedar\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let named = blocks.enumerate();
    named.map(|(number, text)| PolicyFile { name: format!("example {number}"), text: text.into() }).collect()
}

/// The groups that the manual gives its servers.
fn directory() -> Directory {
    let groups = r#"{"exports": ["export_*", "resource/dumps", "prompt/dump"]}"#;
    Directory::default().with_tool_groups("tickets".parse().unwrap(), serde_json::from_str(groups).unwrap())
}

fn accepted() -> Accepted {
    let mut accepted = Accepted::default();
    accepted.insert(
        "billing.refund".into(),
        InputType::of(&json!({"properties": {"amount": {"type": "integer"}}, "required": ["amount"]})),
    );
    accepted.insert("mail.send".into(), InputType::of(&json!({"properties": {"to": {"type": "string"}}})));
    accepted
}

#[test]
fn every_example_of_the_manual_holds_and_nothing_of_it_is_left_unchecked() {
    let files = examples();
    assert!(files.len() >= 3, "{}", files.len());
    let policies = Policies::load_for(&files, directory(), &accepted()).map_err(|error| error.to_string());
    assert_eq!(policies.unwrap().unchecked(), []);
}

/// The table of the built-in pack names what is in it.
#[test]
fn the_manual_names_every_policy_of_the_built_in_pack() {
    let built_in = Policies::built_in();
    let text = &built_in.texts()[0].text;
    let ids: Vec<_> = text.split("@id(\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(ids.len(), 10);
    for id in ids {
        assert!(MANUAL.contains(&format!("| `{id}` |")), "{id}");
    }
}

/// What `policy schema` prints, Cedar reads.
#[test]
fn the_schema_that_is_printed_has_the_action_of_each_accepted_tool() {
    let text = Policies::schema_text(&accepted());
    let (schema, _) = cedar_policy::Schema::from_cedarschema_str(&text).unwrap();
    let actions: Vec<String> = schema.actions().map(ToString::to_string).collect();
    for action in [
        "connect",
        "issue",
        "elevate",
        "approve",
        "call",
        "read_resource",
        "get_prompt",
        "call_unlisted",
        "billing.refund",
    ] {
        assert!(actions.contains(&format!("Action::\"{action}\"")), "{action}: {actions:?}");
    }
    assert!(text.contains("input: { \"amount\": Long }"), "{text}");
}
