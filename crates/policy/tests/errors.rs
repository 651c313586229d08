//! What an operator reads when a policy file is wrong: the file, the place, and what was expected.

#![allow(clippy::unwrap_used)]

use portcullis_policy::{Accepted, Directory, InputType, Policies, PolicyError, PolicyFile};
use serde_json::json;

fn refused(text: &str) -> PolicyError {
    let file = PolicyFile { name: "own.cedar".into(), text: text.into() };
    Policies::load(&[file]).expect_err("the file should be refused")
}

#[track_caller]
fn check(text: &str, line: usize, column: usize, expected: &str) {
    let error = refused(text);
    assert_eq!((error.file.as_str(), error.line, error.column), ("own.cedar", line, column), "{error}");
    assert!(error.message.contains(expected), "{error}");
}

#[test]
fn a_syntax_error_names_its_place_and_what_was_expected() {
    check("permit (principal, action, resource)\nwhen { true }", 2, 14, "expected");
    check("\n  permitt (principal, action, resource);", 2, 3, "permit");
}

#[test]
fn columns_count_characters_and_not_bytes() {
    check("/* */ // größte\npermit (principal, action, resource) when { \"ä\" ä };", 2, 49, "");
}

#[test]
fn a_misspelt_word_is_an_error_and_not_a_rule_that_never_matches() {
    let call = "(principal, action in Action::\"call\", resource)";
    check(&format!("forbid {call}\nwhen {{ resource.tier == Tier::\"hihg\" }};"), 2, 25, "Tier");
    check(&format!("forbid {call}\nwhen {{ resource.teir == Tier::\"high\" }};"), 2, 8, "teir");
    check("forbid (principal, action == Action::\"cal\", resource);", 1, 30, "call");
    check("forbid (principal == Robot::\"x\", action, resource);", 1, 22, "Robot");
}

#[test]
fn an_absent_person_must_be_asked_for_first() {
    check("permit (principal, action, resource)\nwhen { context.person == Person::\"ada\" };", 2, 8, "person");
}

#[test]
fn a_policy_that_can_never_match_is_refused() {
    let error = refused(
        "forbid (principal is Agent, action, resource) when { principal.kind == Kind::\"delegated\" && false };",
    );
    assert!(error.message.contains("impossible"), "{error}");
}

#[test]
fn a_policy_without_an_id_is_called_after_its_file_and_number() {
    let error =
        refused("permit (principal, action, resource);\nforbid (principal, action, resource) when { resource.x };");
    assert!(error.message.contains("`own.cedar#2`"), "{error}");
}

#[test]
fn an_id_can_not_be_taken_twice_not_even_a_built_in_one() {
    check("@id(\"held-tool\")\npermit (principal, action, resource);", 1, 1, "built-in");
    check(
        "@id(\"x\") permit (principal, action, resource);\n@id(\"x\") forbid (principal, action, resource);",
        2,
        1,
        "`x`",
    );
}

#[test]
fn a_template_is_refused() {
    check("permit (principal == ?principal, action, resource);", 1, 22, "template");
}

#[test]
fn the_error_of_the_second_file_names_the_second_file() {
    let file = |name: &str, text: &str| PolicyFile { name: name.into(), text: text.into() };
    let good = file("good.cedar", "permit (principal, action, resource);");
    let bad = file("bad.cedar", "permit (principal, action, resource) when { principal.age };");
    let error = Policies::load(&[good, bad]).unwrap_err();
    assert!(error.to_string().starts_with("bad.cedar:1:"), "{error}");
}

fn accepted() -> Accepted {
    let mut accepted = Accepted::default();
    let properties = json!({"amount": {"type": "integer"}, "to": {"type": "string"}});
    accepted.insert("billing.refund".into(), InputType::of(&json!({"properties": properties, "required": ["amount"]})));
    accepted.insert("billing.note".into(), InputType::of(&json!({"properties": {"amount": {"type": "string"}}})));
    accepted.insert(
        "crm.merge".into(),
        InputType::of(&json!({"properties": {"ids": {"type": "array", "items": {"type": "string"}}}})),
    );
    accepted
}

fn load_for(text: &str) -> Result<Policies, PolicyError> {
    let file = PolicyFile { name: "own.cedar".into(), text: text.into() };
    Policies::load_for(&[file], Directory::default().with_unpinned("wild".parse().unwrap()), &accepted())
}

#[track_caller]
fn refused_for(text: &str, line: usize, expected: &str) {
    let error = load_for(text).expect_err(text);
    assert_eq!(
        (error.file.as_str(), error.line, error.message.contains(expected)),
        ("own.cedar", line, true),
        "{error}"
    );
}

#[test]
fn who_takes_the_group_of_all_calls_for_a_call_is_told_what_to_write() {
    check("\npermit (principal, action == Action::\"call\", resource);", 2, 30, "write `action in Action::\"call\"`");
    for condition in [
        "action == Action::\"call\"",
        "Action::\"call\" != action",
        "!(principal.kind == Kind::\"delegated\" && action == Action::\"call\")",
    ] {
        let error = refused(&format!("permit (principal, action, resource)\nwhen {{ {condition} }};"));
        assert!(error.line == 2 && error.message.contains("or name a tool"), "{error}");
    }
    load_for("permit (principal, action in Action::\"call\", resource) when { action in Action::\"call\" };").unwrap();
}

/// Field: L4
#[test]
fn a_policy_about_arguments_that_a_tool_does_not_take_is_refused() {
    let refund = |condition: &str| {
        format!("forbid (principal, action == Action::\"billing.refund\", resource)\nwhen {{ {condition} }};")
    };
    load_for(&refund("context.input.amount > 100")).unwrap();
    refused_for(&refund("context.input.amuont > 100"), 2, "amuont");
    refused_for(&refund("context.input.amount > \"100\""), 2, "");
    refused_for(&refund("context.input.to == \"x\""), 2, "to");
    refused_for(&refund("context.input has amuont && context.input.amuont > 5"), 1, "impossible");
    load_for("forbid (principal, action, resource == Tool::\"billing.refund\") when { context.input.amount > 100 };")
        .unwrap();
    refused_for(
        "forbid (principal, action, resource == Tool::\"billing.refund\") when { context.input.amuont > 100 };",
        1,
        "amuont",
    );
}

#[test]
fn a_policy_about_many_tools_holds_for_each_that_it_can_match() {
    let all = |scope: &str, condition: &str| format!("forbid ({scope})\nwhen {{ context has input && {condition} }};");
    let every = "principal, action in Action::\"call\", resource";
    let amount = "context.input has amount && context.input.amount > 100";
    // The tool whose amount is a text is named.
    refused_for(&all(every, amount), 2, "(with the arguments of `billing.note`)");
    load_for(&all("principal, action in Action::\"call\", resource in Server::\"crm\"", amount)).unwrap();
    refused_for(
        &all("principal, action in Action::\"call\", resource in Server::\"billing\"", amount),
        2,
        "billing.note",
    );
    load_for(&all("principal, action in [Action::\"billing.refund\", Action::\"crm.merge\"], resource", amount))
        .unwrap();
    load_for(&all(every, &format!("action != Action::\"billing.note\" && {amount}"))).unwrap();
}

/// Field: L5
#[test]
fn what_names_a_tool_that_nobody_accepted_loads_and_is_told() {
    let text = "\nforbid (principal, action == Action::\"crm.delete\", resource)\nwhen { context.input.x == 1 };";
    let policies = load_for(text).unwrap();
    let [unchecked] = policies.unchecked() else { panic!("{:?}", policies.unchecked()) };
    assert_eq!((unchecked.line, unchecked.tool.as_deref()), (3, Some("crm.delete")));
    assert!(unchecked.to_string().starts_with("own.cedar:3: "), "{unchecked}");
    // One that looks at no arguments is checked whole.
    assert!(
        load_for("forbid (principal, action == Action::\"crm.delete\", resource);").unwrap().unchecked().is_empty()
    );
    refused_for("forbid (principal, action == Action::\"crm.delete\", resource) when { resource.teir };", 1, "teir");
    // One that fits nothing that was accepted waits.
    let waits = "forbid (principal, action in Action::\"call\", resource) when { context has input && context.input has phone };";
    assert_eq!(load_for(waits).unwrap().unchecked()[0].tool, None);
    assert_eq!(Policies::load(&[PolicyFile { name: "x".into(), text: waits.into() }]).unwrap().unchecked().len(), 1);
}

#[test]
fn what_can_never_match_by_its_names_is_refused() {
    refused_for("forbid (principal, action == Action::\"wild.x\", resource);", 1, "call_unlisted");
    refused_for(
        "forbid (principal, action in Action::\"call\", resource)\nwhen { action == Action::\"wild.x\" };",
        2,
        "not pinned",
    );
    refused_for(
        "forbid (principal, action == Action::\"crm.merge\",\nresource == Tool::\"billing.refund\");",
        2,
        "never matches",
    );
    refused_for(
        "forbid (principal, action == Action::\"crm.merge\", resource in Server::\"billing\");",
        1,
        "never matches",
    );
    load_for("forbid (principal, action == Action::\"crm.merge\", resource in Server::\"crm\");").unwrap();
    load_for("forbid (principal, action == Action::\"call_unlisted\", resource == Tool::\"wild.x\");").unwrap();
    refused_for("forbid (principal, action == Action::\"cal\", resource);", 1, "cal");
}

/// Spec: docs/decisions/0033-policies-see-arguments.md
#[test]
fn a_definition_that_takes_away_what_a_policy_says_does_not_fit() {
    let policies = load_for(
        "forbid (principal, action == Action::\"billing.refund\", resource)\nwhen { context.input has to && context.input.to == \"x\" };
         forbid (principal, action in Action::\"call\", resource in Server::\"crm\")\nwhen { context has input && context.input has n && context.input.n > 1 };",
    )
    .unwrap();
    let fit = |tool: &str, properties: serde_json::Value| {
        let (server, name) = tool.split_once('.').unwrap();
        policies.fit(
            &server.parse().unwrap(),
            &name.parse().unwrap(),
            &InputType::of(&json!({"properties": properties})),
        )
    };
    fit("billing.refund", json!({"to": {"type": "string"}})).unwrap();
    let gone = fit("billing.refund", json!({"amount": {"type": "integer"}})).unwrap_err();
    assert!(gone.to_string().starts_with("own.cedar:1:") && gone.message.contains("impossible"), "{gone}");
    let other = fit("billing.refund", json!({"to": {"type": "integer"}})).unwrap_err();
    assert!(other.to_string().starts_with("own.cedar:2:") && other.message.contains("`billing.refund`"), "{other}");
    fit("crm.new", json!({"n": {"type": "integer"}})).unwrap();
    fit("crm.new", json!({})).unwrap();
    fit("files.new", json!({"n": {"type": "string"}})).unwrap();
    fit("wild.new", json!({"n": {"type": "string"}})).unwrap();
    let breaks = fit("crm.new", json!({"n": {"type": "string"}})).unwrap_err();
    assert!(breaks.to_string().starts_with("own.cedar:4:"), "{breaks}");
}

#[test]
fn a_policy_about_agents_and_any_action_is_told_that_people_are_principals_too() {
    let text = |principal: &str| {
        format!("forbid ({principal}, action, resource)\nwhen {{ principal.assurance == Assurance::\"declared\" }};")
    };
    check(&text("principal"), 2, 8, "write `principal is Agent`");
    load_for(&text("principal is Agent")).unwrap();
}
