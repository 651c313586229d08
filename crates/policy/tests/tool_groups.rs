//! Names for several tools of a server, in policies.

#![allow(clippy::unwrap_used)]

use model::{AgentKind, ApprovalQuestion, Assurance, Authority, CallTarget, Class, Decision, Question, Tier, ToolName};
use portcullis_policy::{Accepted, Arguments, Directory, InputType, Policies, PolicyFile};
use serde_json::json;

fn directory() -> Directory {
    let groups = r#"{"exports": ["export_*", "resource/dumps", "prompt/dump"], "reads": ["get_*", "export_list"]}"#;
    Directory::default().with_tool_groups("tickets".parse().unwrap(), serde_json::from_str(groups).unwrap())
}

fn accepted() -> Accepted {
    let mut accepted = Accepted::default();
    let takes = |name: &str| InputType::of(&json!({"properties": {name: {"type": "string"}}, "required": [name]}));
    accepted.insert("tickets.export_all".into(), takes("to"));
    accepted.insert("tickets.export_list".into(), takes("to"));
    accepted.insert("tickets.get_ticket".into(), takes("id"));
    accepted
}

fn load(text: &str) -> Result<Policies, String> {
    let file = PolicyFile { name: "own.cedar".into(), text: text.into() };
    Policies::load_for(&[file], directory(), &accepted()).map_err(|error| error.to_string())
}

fn allows(policies: &Policies, name: &str, sent: serde_json::Value) -> bool {
    let name = ToolName::after_server(name).unwrap();
    let question = Question {
        agent: "agent".parse().unwrap(),
        kind: AgentKind::Delegated,
        assurance: Assurance::Proven,
        owner: "ada".parse().unwrap(),
        purpose: "to test".into(),
        sponsor: None,
        eligible_only: false,
        key_proven: false,
        person: Some("ada".parse().unwrap()),
        server: "tickets".parse().unwrap(),
        target: CallTarget::Tool(name.clone(), Class::Rated(Tier::Low)),
        authority: Authority::Standing,
        exceptions: Default::default(),
    };
    let (text, accepted) = (sent.to_string(), accepted());
    let input = accepted.of(&name.qualified(&"tickets"));
    let arguments = || input.map_or(Arguments::None, |input| Arguments::Sent(input, Some(text.as_bytes())));
    let said = policies.decide(&question, arguments());
    assert_eq!(said, policies.decide_by_all(&question, arguments()), "the slice and the whole say the same");
    matches!(said, Ok(Decision::Allow { .. }))
}

#[test]
fn a_policy_about_a_group_is_about_what_is_in_it_and_nothing_else() {
    let policies =
        load(r#"forbid (principal, action in Action::"call", resource in ToolGroup::"tickets.exports");"#).unwrap();
    for name in [".export_all", ".export_list", ":resource/dumps", ":prompt/dump"] {
        assert!(!allows(&policies, name, json!({"to": "x"})), "{name}");
    }
    for name in [".get_ticket", ":resource/docs", ":prompt/other"] {
        assert!(allows(&policies, name, json!({"id": "7"})), "{name}");
    }
}

#[test]
fn a_tool_is_in_each_of_its_groups() {
    let both = load(
        r#"forbid (principal, action in Action::"call", resource in ToolGroup::"tickets.exports")
           unless { resource in ToolGroup::"tickets.reads" };"#,
    )
    .unwrap();
    assert!(!allows(&both, ".export_all", json!({"to": "x"})));
    assert!(allows(&both, ".export_list", json!({"to": "x"})));
}

/// Held against the arguments of the tools in the group, and not of all tools of the server.
#[test]
fn a_policy_about_a_group_sees_the_arguments_of_its_tools() {
    let policies = load(
        r#"forbid (principal, action in Action::"call", resource in ToolGroup::"tickets.exports")
           when { context has input && context.input has to && context.input.to == "evil" };"#,
    )
    .unwrap();
    assert!(!allows(&policies, ".export_all", json!({"to": "evil"})));
    assert!(allows(&policies, ".export_all", json!({"to": "ada"})));
    assert!(allows(&policies, ".get_ticket", json!({"id": "evil"})));
    let server = policies.unchecked();
    assert!(server.is_empty(), "{server:?}");
}

/// Field: T22
#[test]
fn a_group_that_is_none_is_an_error_that_names_those_that_there_are() {
    for text in [
        r#"forbid (principal, action in Action::"call", resource in ToolGroup::"tickets.exprots");"#,
        r#"forbid (principal, action in Action::"call", resource) when { resource in ToolGroup::"tickets.exprots" };"#,
        r#"forbid (principal, action in Action::"call", resource) unless { resource in [ToolGroup::"exports"] };"#,
    ] {
        let error = load(text).unwrap_err();
        assert!(
            error.contains("is no group of tools") && error.contains("`tickets.exports`, `tickets.reads`"),
            "{error}"
        );
    }
    let error = load(r#"forbid (principal in ToolGroup::"tickets.exports", action, resource);"#).unwrap_err();
    assert!(error.contains("own.cedar:1"), "no agent is in one: {error}");
}

#[test]
fn who_may_approve_can_depend_on_a_group() {
    let policies = load(
        r#"forbid (principal, action == Action::"approve", resource in ToolGroup::"tickets.exports")
           unless { principal == Person::"bob" };"#,
    )
    .unwrap();
    let may = |approver: &str, tool: &str| {
        let question = ApprovalQuestion {
            approver: approver.parse().unwrap(),
            agent: "agent".parse().unwrap(),
            kind: AgentKind::Delegated,
            assurance: Assurance::Proven,
            owner: "cleo".parse().unwrap(),
            purpose: String::new().into(),
            sponsor: None,
            eligible_only: false,
            person: None,
            server: "tickets".parse().unwrap(),
            tool: Some((tool.parse().unwrap(), Class::Rated(Tier::High))),
        };
        matches!(policies.decide_approval(&question), Decision::Allow { .. })
    };
    assert!(may("bob", "export_all") && !may("dan", "export_all"));
    assert!(may("dan", "delete_ticket"));
}
