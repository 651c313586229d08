//! Whom servers are for, and who may say yes.

#![allow(clippy::unwrap_used)]

use model::{
    AgentKind, ApprovalQuestion, Assurance, Authority, CallTarget, Class, Decision, DenyReason, Question, Tier,
};
use portcullis_policy::{Accepted, Arguments, Directory, Policies, PolicyFile};

fn directory() -> Directory {
    Directory::default()
        .with_person("ada".parse().unwrap(), ["ops", "on-call"])
        .with_person("bob".parse().unwrap(), ["finance"])
        .with_person("cleo".parse().unwrap(), [])
        .with_server_for("billing".parse().unwrap(), ["finance", "audit"])
        .with_server_for("nobodys".parse().unwrap(), [])
}

fn policies(text: &str) -> Policies {
    let file = PolicyFile { name: "own.cedar".into(), text: text.into() };
    Policies::load_for(&[file], directory(), &Accepted::default()).map_err(|error| error.to_string()).unwrap()
}

fn question(server: &str, owner: &str, acts_for: Option<&str>) -> Question {
    Question {
        agent: "agent".parse().unwrap(),
        kind: if acts_for.is_some() { AgentKind::Delegated } else { AgentKind::Autonomous },
        assurance: Assurance::Proven,
        owner: owner.parse().unwrap(),
        purpose: "monthly close".into(),
        sponsor: None,
        eligible_only: false,
        person: acts_for.map(|person| person.parse().unwrap()),
        server: server.parse().unwrap(),
        target: CallTarget::Protocol,
        authority: Authority::Standing,
        exceptions: Default::default(),
        key_proven: false,
    }
}

/// The protocol, a tool, a prompt and what is listed: all or nothing.
fn reaches(policies: &Policies, question: &Question) -> bool {
    let mut targets = vec![CallTarget::Protocol];
    for name in [".get", ":prompt/hello", ":resource/docs"] {
        targets.push(CallTarget::Tool(model::ToolName::after_server(name).unwrap(), Class::Rated(Tier::Low)));
    }
    let said: Vec<bool> = targets
        .into_iter()
        .map(|target| {
            let question = Question { target, ..question.clone() };
            let said = policies.decide(&question, Arguments::None).unwrap_or_else(|_| policies.decide_most(&question));
            match said {
                Decision::Allow { .. } => true,
                Decision::Deny { reason: DenyReason::Forbidden, policies } => {
                    assert_eq!(policies, ["not-for-them"]);
                    false
                }
                other => panic!("{other:?}"),
            }
        })
        .collect();
    assert!(said.iter().all(|one| *one == said[0]), "{said:?}");
    said[0]
}

/// Field: L9
#[test]
fn a_server_is_for_whom_the_configuration_says_and_for_nobody_else() {
    let built_in = policies("");
    for (server, owner, acts_for, expected) in [
        ("tickets", "ada", Some("ada"), true),
        ("billing", "ada", Some("ada"), false),
        ("billing", "bob", Some("bob"), true),
        ("billing", "cleo", Some("cleo"), false),
        ("billing", "stranger", Some("stranger"), false),
        // Of an agent that acts for somebody, that person counts; of another, its owner.
        ("billing", "bob", Some("ada"), false),
        ("billing", "ada", Some("bob"), true),
        ("billing", "bob", None, true),
        ("billing", "ada", None, false),
        ("nobodys", "bob", Some("bob"), false),
        ("nobodys", "bob", None, false),
    ] {
        let question = question(server, owner, acts_for);
        assert_eq!(reaches(&built_in, &question), expected, "{server} {owner} {acts_for:?}");
    }
}

/// No permit opens what is not for them.
#[test]
fn no_permit_and_no_approval_opens_a_server_that_is_for_others() {
    let open = policies("permit (principal, action, resource);");
    let question = Question { authority: Authority::Approval, ..question("billing", "ada", Some("ada")) };
    assert!(!reaches(&open, &question));
}

#[test]
fn a_policy_sees_groups_owners_and_purposes() {
    let own = policies(
        r#"forbid (principal, action in Action::"call", resource in Server::"tickets")
           unless { principal.owner in Group::"ops" || principal.purpose like "*close*" };
           forbid (principal, action in Action::"call", resource)
           when { context has person && context.person in [Group::"finance"] && context.server == Server::"tickets" };"#,
    );
    let call = |question: Question| {
        let target = CallTarget::Tool("get".parse().unwrap(), Class::Rated(Tier::Low));
        matches!(own.decide(&Question { target, ..question }, Arguments::None), Ok(Decision::Allow { .. }))
    };
    assert!(call(question("tickets", "ada", Some("ada"))));
    assert!(!call(question("tickets", "bob", Some("bob"))));
    assert!(call(question("tickets", "cleo", None)));
    let other = Question { purpose: "unknown".into(), ..question("tickets", "cleo", None) };
    assert!(!call(other));
}

fn approval(approver: &str, server: &str, tool: Option<&str>) -> ApprovalQuestion {
    ApprovalQuestion {
        approver: approver.parse().unwrap(),
        agent: "agent".parse().unwrap(),
        kind: AgentKind::Delegated,
        assurance: Assurance::Proven,
        owner: "cleo".parse().unwrap(),
        purpose: "monthly close".into(),
        sponsor: None,
        eligible_only: false,
        person: Some("cleo".parse().unwrap()),
        server: server.parse().unwrap(),
        tool: tool.map(|tool| (tool.parse().unwrap(), Class::Rated(Tier::High))),
    }
}

#[test]
fn the_built_in_pack_lets_every_approver_approve_and_a_forbid_narrows_it() {
    let said = |policies: &Policies, question: &ApprovalQuestion| match policies.decide_approval(question) {
        Decision::Allow { policies } | Decision::Deny { policies, .. } => policies.join(" "),
        Decision::StepUp { .. } => panic!("nobody steps up to approve"),
    };
    assert_eq!(said(&policies(""), &approval("ada", "billing", None)), "approvers");
    let own = policies(
        r#"@id("finance-approves") forbid (principal, action == Action::"approve", resource in Server::"billing")
           unless { principal in Group::"finance" };
           @id("not-close") forbid (principal == Person::"bob", action == Action::"approve", resource == Tool::"billing.wire")
           when { context.agent.purpose like "*close*" && context has for && context.for == Person::"cleo" };
           @id("never-on-call") forbid (principal in Group::"on-call", action == Action::"approve", resource == Server::"files");"#,
    );
    for (approver, server, tool, expected) in [
        ("ada", "billing", Some("refund"), "finance-approves"),
        ("ada", "billing", None, "finance-approves"),
        ("bob", "billing", Some("refund"), "approvers"),
        ("bob", "billing", Some("wire"), "not-close"),
        ("ada", "tickets", Some("wire"), "approvers"),
        ("ada", "files", None, "never-on-call"),
        ("bob", "files", None, "approvers"),
    ] {
        assert_eq!(said(&own, &approval(approver, server, tool)), expected, "{approver} {server} {tool:?}");
    }
}

/// What can not be evaluated is no yes.
#[test]
fn an_approval_that_can_not_be_decided_is_none() {
    let broken =
        policies("forbid (principal, action == Action::\"approve\", resource) when { 9223372036854775807 + 1 == 0 };");
    let said = broken.decide_approval(&approval("ada", "billing", None));
    assert!(matches!(said, Decision::Deny { reason: DenyReason::EvaluationError, .. }), "{said:?}");
}
