//! Policies that ask for exceptions: by name, one by one, and who is spared what.

#![allow(clippy::unwrap_used)]

use model::{AgentKind, Assurance, Authority, CallTarget, Class, Decision, DenyReason, Question, Tier};
use portcullis_policy::{Accepted, Arguments, Directory, InputType, Policies, PolicyError, PolicyFile};
use serde_json::json;

const FREEZE: &str = r#"
    @id("freeze")
    forbid (principal, action in Action::"call", resource in Server::"tickets")
    unless { context.exceptions.contains("change-freeze") };
"#;

fn load(text: &str) -> Result<Policies, PolicyError> {
    let mut accepted = Accepted::default();
    let input = json!({"properties": {"exceptions": {"type": "array", "items": {"type": "string"}}}});
    accepted.insert("tickets.get".into(), InputType::of(&input));
    Policies::load_for(&[PolicyFile { name: "own.cedar".into(), text: text.into() }], Directory::default(), &accepted)
}

fn question(server: &str, exceptions: &[&str]) -> Question {
    Question {
        agent: "a@ada".parse().unwrap(),
        kind: AgentKind::Delegated,
        assurance: Assurance::Published,
        owner: "ada".parse().unwrap(),
        purpose: "to help".into(),
        sponsor: None,
        eligible_only: false,
        person: Some("ada".parse().unwrap()),
        server: server.parse().unwrap(),
        target: CallTarget::Tool("get".parse().unwrap(), Class::Rated(Tier::Low)),
        authority: Authority::Standing,
        exceptions: exceptions.iter().map(|name| name.parse().unwrap()).collect(),
        key_proven: false,
    }
}

#[test]
fn who_has_the_exception_is_spared_and_nobody_else_is() {
    let policies = load(FREEZE).unwrap();
    let said = |exceptions: &[&str]| policies.decide(&question("tickets", exceptions), Arguments::None).unwrap();
    for _ in 0..2 {
        // The second time from what is kept.
        assert!(matches!(said(&["change-freeze"]), Decision::Allow { .. }));
        for without in [&[][..], &["another"], &["change-freeze2"], &["change", "freeze"]] {
            assert_eq!(
                said(without),
                Decision::Deny { reason: DenyReason::Forbidden, policies: vec!["freeze".into()] }
            );
        }
    }
    assert_eq!(policies.exceptions().iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["change-freeze"]);
    assert!(Policies::built_in().exceptions().is_empty());
}

#[test]
fn an_argument_of_that_name_is_none() {
    let text = r#"forbid (principal, action == Action::"tickets.get", resource)
        when { context.input has exceptions && context.input.exceptions.contains("change-freeze") };"#;
    assert!(load(text).unwrap().exceptions().is_empty());
}

#[test]
fn what_is_asked_otherwise_than_by_one_written_name_is_refused() {
    for condition in [
        r#"context.exceptions.contains("Change Freeze")"#,
        r#"context.exceptions.contains("")"#,
        r#"context.exceptions.contains(principal.purpose)"#,
        r#"context.exceptions.containsAny(["change-freeze"])"#,
        r#"context.exceptions.containsAll(["change-freeze"])"#,
        r#"context.exceptions.isEmpty()"#,
        r#"context.exceptions == ["change-freeze"]"#,
        r#"["change-freeze"].containsAll(context.exceptions)"#,
        r#"(if principal.purpose == "" then context else context).exceptions.contains("change-freeze")"#,
        r#"{c: context}.c.exceptions.contains("change-freeze") && context.exceptions.contains("a")"#,
        r#"context["exceptions"].isEmpty()"#,
    ] {
        let text = format!("forbid (principal, action in Action::\"call\", resource)\nwhen {{ {condition} }};");
        let error = load(&text).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.starts_with("own.cedar:"), "{condition}: {error}");
    }
    let misspelt = FREEZE.replace("context.exceptions", "context.exemptions");
    assert!(load(&misspelt).unwrap_err().message.contains("exemptions"));
    let nobody =
        r#"forbid (principal, action == Action::"approve", resource) unless { context.exceptions.contains("a") };"#;
    assert!(load(nobody).unwrap_err().message.contains("exceptions"), "whoever approves is spared nothing");
}
