//! Policies that look at the arguments of a call: what they see of them, and what they do not.

#![allow(clippy::unwrap_used)]

use model::{
    AgentKind, Assurance, Authority, CallTarget, Class, Decision, DenyReason, HeldFor, Question, StepUp, Tier,
};
use portcullis_policy::{Accepted, Arguments, Directory, InputType, Policies, PolicyFile, Untypable};
use serde_json::{Value, json};

const TOOL: &str = "billing.refund";

fn question(tier: Tier) -> Question {
    Question {
        agent: "nightly".parse().unwrap(),
        kind: AgentKind::Autonomous,
        assurance: Assurance::Proven,
        owner: "ada".parse().unwrap(),
        purpose: "to test".into(),
        sponsor: None,
        eligible_only: false,
        person: None,
        server: "billing".parse().unwrap(),
        target: CallTarget::Tool("refund".parse().unwrap(), Class::Rated(tier)),
        authority: Authority::Standing,
        exceptions: Default::default(),
        key_proven: false,
    }
}

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "amount": {"type": "integer"},
            "rate": {"type": "number"},
            "to": {"type": "string"},
            "urgent": {"type": ["boolean", "null"]},
            "tags": {"type": "array", "items": {"type": "string"}},
            "account": {"type": "object", "properties": {
                "id": {"type": "string"}, "__entity": {"type": "string"}, "__extn": {"type": "string"}
            }, "required": ["id"]},
            "anything": {},
        },
        "required": ["amount"],
    })
}

fn with(schema: &Value, text: &str) -> (Policies, InputType) {
    let input = InputType::of(schema);
    let mut accepted = Accepted::default();
    accepted.insert(TOOL.into(), input.clone());
    let file = PolicyFile { name: "own.cedar".into(), text: text.into() };
    let policies = Policies::load_for(&[file], Directory::default(), &accepted).map_err(|error| error.to_string());
    (policies.unwrap(), input)
}

/// What is said to a low call with these arguments, if this condition forbids it.
fn forbidden_when(condition: &str, arguments: &str) -> Result<bool, Untypable> {
    let text =
        format!("@id(\"own\") forbid (principal, action == Action::\"{TOOL}\", resource) when {{ {condition} }};");
    let (policies, input) = with(&schema(), &text);
    let said = policies.decide(&question(Tier::Low), Arguments::Sent(&input, Some(arguments.as_bytes())))?;
    match said {
        Decision::Allow { .. } => Ok(false),
        Decision::Deny { reason: DenyReason::Forbidden, policies } => {
            assert_eq!(policies, ["own"]);
            Ok(true)
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn check(condition: &str, arguments: &str, expected: bool) {
    assert_eq!(forbidden_when(condition, arguments), Ok(expected), "{condition} {arguments}");
}

#[track_caller]
fn untypable(condition: &str, arguments: &str, place: &str, what: &str) {
    let why = forbidden_when(condition, arguments).unwrap_err();
    assert_eq!((why.place.as_str(), why.what.contains(what)), (place, true), "{arguments}: {why}");
}

#[test]
fn a_policy_decides_by_what_is_sent() {
    check("context.input.amount > 100", r#"{"amount": 100}"#, false);
    check("context.input.amount > 100", r#"{"amount": 101}"#, true);
    check("context.input has to && context.input.to like \"*@evil.test\"", r#"{"amount":1,"to":"x@evil.test"}"#, true);
    check("context.input has to && context.input.to like \"*@evil.test\"", r#"{"amount":1,"to":"x@good.test"}"#, false);
    check("context.input has to && context.input.to like \"*@evil.test\"", r#"{"amount":1}"#, false);
    check("context.input has tags && context.input.tags.contains(\"x\")", r#"{"amount":1,"tags":["y","x"]}"#, true);
    check(
        "context.input has account.id && context.input.account.id == \"7\"",
        r#"{"amount":1,"account":{"id":"7"}}"#,
        true,
    );
}

/// Escapes are read as the server reads them.
#[test]
fn a_text_is_what_it_means_and_not_how_it_is_written() {
    for to in [r#""\u0061dmin""#, "\"admin\"", r#""\u0061\u0064min""#] {
        check("context.input has to && context.input.to == \"admin\"", &format!("{{\"amount\":1,\"to\":{to}}}"), true);
    }
    check("context.input has to && context.input.to == \"😀\"", r#"{"amount":1,"\u0074o":"\ud83d\ude00"}"#, true);
}

/// Spec: JSON Schema 2020-12 validation §6.1.1
///
/// Field: L3
#[test]
fn a_number_is_the_number_that_was_sent_or_none() {
    for whole in ["200", "200.0", "2e2", "2.00E+2", "20000e-2"] {
        check("context.input.amount == 200", &format!("{{\"amount\":{whole}}}"), true);
    }
    check("context.input.amount == 9223372036854775807", r#"{"amount":9223372036854775807}"#, true);
    // One more than a double can tell apart.
    check("context.input.amount == 9007199254740993", r#"{"amount":9007199254740993}"#, true);
    for wrong in ["9223372036854775808", "-9223372036854775809", "1e400", "0.5", "\"5\"", "true", "null", "[]", "{}"] {
        let why = forbidden_when("context.input.amount > 100", &format!("{{\"amount\":{wrong}}}")).unwrap_err();
        assert_eq!(why.place, "/amount", "{wrong}");
    }
    check("context.input has rate && context.input.rate == decimal(\"0.1\")", r#"{"amount":1,"rate":0.1}"#, true);
    check(
        "context.input has rate && context.input.rate.lessThan(decimal(\"1.0\"))",
        r#"{"amount":1,"rate":-2.5e-1}"#,
        true,
    );
    check("context.input has rate && context.input.rate == decimal(\"5.0\")", r#"{"amount":1,"rate":5}"#, true);
    let rate = "context.input has rate && context.input.rate.greaterThan(decimal(\"1.0\"))";
    for wrong in ["0.12345", "1.00000000000000000001", "922337203685477.5808", "1e30"] {
        untypable(rate, &format!("{{\"amount\":1,\"rate\":{wrong}}}"), "/rate", "four digits");
    }
}

#[test]
fn null_is_absent_and_what_is_required_is_there() {
    check("context.input has urgent", r#"{"amount":1,"urgent":null}"#, false);
    check("context.input has urgent", r#"{"amount":1,"urgent":false}"#, true);
    untypable("context.input.amount > 100", r#"{"to":"x"}"#, "/amount", "missing");
    untypable("context.input.amount > 100", r#"{"amount":null}"#, "/amount", "null");
    untypable("context.input has account", r#"{"amount":1,"account":{}}"#, "/account/id", "missing");
}

/// A set does not say how often and in which order.
#[test]
fn what_comes_twice_in_an_array_is_there_once() {
    let same = "context.input has tags && context.input.tags == [\"a\", \"b\"]";
    check(same, r#"{"amount":1,"tags":["b","a","a"]}"#, true);
    check(same, r#"{"amount":1,"tags":["a"]}"#, false);
    untypable("context.input has tags", r#"{"amount":1,"tags":["a",7]}"#, "/tags/1", "string");
    let many = format!("{{\"amount\":1,\"tags\":[{}\"x\"]}}", "\"x\",".repeat(5_000));
    untypable("context.input has tags", &many, "/tags", "too many");
}

/// In Cedar's own reading of JSON these would be entities and extension values: an agent could say who it is.
///
/// Field: L1
#[test]
fn what_looks_like_an_entity_in_the_arguments_is_what_it_is() {
    for wrong in [
        r#"{"__entity":{"type":"Person","id":"root"}}"#,
        r#"{"__extn":{"fn":"decimal","arg":"1.0"}}"#,
        r#"{"__expr":"Person::\"root\""}"#,
    ] {
        untypable("context.input has to", &format!("{{\"amount\":1,\"to\":{wrong}}}"), "/to", "string");
        untypable("context.input.amount > 0", &format!("{{\"amount\":{wrong}}}"), "/amount", "number");
        // What nobody described is nowhere.
        check(
            "context.input has account && context.input.account.id == \"7\"",
            &format!(
                "{{\"amount\":1,\"anything\":{wrong},\"more\":{wrong},\"account\":{{\"id\":\"7\",\"x\":{wrong}}}}}"
            ),
            true,
        );
    }
    // And where a schema has members of these names, they are texts.
    let named =
        "context.input has account && context.input.account has __entity && context.input.account.__entity == \"root\"";
    check(named, r#"{"amount":1,"account":{"id":"7","__entity":"root","__extn":"x"}}"#, true);
    untypable(
        "context.input has account",
        r#"{"amount":1,"account":{"id":"7","__entity":{"type":"Person","id":"root"}}}"#,
        "/account/__entity",
        "string",
    );
}

#[test]
fn what_has_two_readings_is_denied() {
    untypable("context.input.amount > 100", r#"{"amount":1,"amount":500}"#, "", "one meaning");
    untypable("context.input.amount > 100", r#"{"amount":1,"\u0061mount":500}"#, "", "one meaning");
    for wrong in ["[]", "7", "null", "\"{}\"", "", "{"] {
        assert_eq!(forbidden_when("context.input.amount > 100", wrong).unwrap_err().place, "", "{wrong}");
    }
    check("context.input has to", r#"{"amount":1}"#, false);
}

/// An argument may be a secret.
#[test]
fn what_is_wrong_never_repeats_the_argument() {
    let why = forbidden_when("context.input.amount > 100", r#"{"amount":"tops3cret"}"#).unwrap_err();
    assert!(why.to_string().starts_with("/amount: ") && !format!("{why:?} {why}").contains("s3cret"), "{why}");
}

/// A coordinate with twelve digits makes no call fail because somebody wrote a policy about amounts.
#[test]
fn arguments_that_no_policy_names_are_not_read() {
    check("context.input.amount > 100", r#"{"amount":500,"rate":0.123456789}"#, true);
    check("context.input.amount > 100", r#"{"amount":5,"rate":"none"}"#, false);
    untypable("context.input == context.input", r#"{"amount":5,"rate":0.123456789}"#, "/rate", "four digits");
}

/// A policy that looks at them, and a caller that has none at hand: it is denied, and no `forbid` is passed by.
#[test]
fn arguments_that_nobody_described_are_denied() {
    let text = "forbid (principal, action in Action::\"call\", resource) when { context has input && context.input has amount && context.input.amount > 100 };";
    let (policies, input) = with(&schema(), text);
    policies.decide(&question(Tier::Low), Arguments::None).unwrap_err();
    let sent = Arguments::Sent(&input, None);
    assert_eq!(policies.decide(&question(Tier::Low), sent).unwrap_err().place, "/amount", "none at all is none");
    // A prompt, a resource and the protocol have none that could be described.
    for name in [":prompt/refund", ":resource/refund"] {
        let target = CallTarget::Tool(model::ToolName::after_server(name).unwrap(), Class::Rated(Tier::Low));
        let question = Question { target, ..question(Tier::Low) };
        assert!(matches!(policies.decide(&question, Arguments::None), Ok(Decision::Allow { .. })), "{name}");
    }
    let question = Question { target: CallTarget::Protocol, ..question(Tier::Low) };
    assert!(matches!(policies.decide(&question, Arguments::None), Ok(Decision::Allow { .. })));
}

#[test]
fn a_held_tool_is_held_whatever_a_policy_says_of_its_arguments() {
    let text =
        format!("permit (principal, action == Action::\"{TOOL}\", resource) when {{ context.input.amount < 5 }};");
    let (policies, input) = with(&schema(), &text);
    let target = CallTarget::Tool("refund".parse().unwrap(), Class::Held(HeldFor::Changed));
    let held = Question { target, ..question(Tier::Low) };
    for said in [
        policies.decide(&held, Arguments::Sent(&input, Some(b"{\"amount\":1}"))).unwrap(),
        policies.decide(&held, Arguments::None).unwrap(),
        policies.decide_most(&held),
        policies.decide_fully(&held),
    ] {
        assert!(matches!(said, Decision::Deny { reason: DenyReason::Held, .. }), "{said:?}");
    }
}

fn steps(policies: &Policies, input: &InputType, arguments: &str) -> [Option<StepUp>; 3] {
    let by = |decision| match decision {
        Decision::Allow { .. } => None,
        Decision::StepUp { by, .. } => Some(by),
        Decision::Deny { .. } => panic!("denied"),
    };
    let question = question(Tier::High);
    let used = policies.decide(&question, Arguments::Sent(input, Some(arguments.as_bytes()))).unwrap();
    [by(used), by(policies.decide_most(&question)), by(policies.decide_fully(&question))]
}

/// Small refunds go through, large ones need another person. The list says that it can be used, and whoever was sent back
/// with a large one gets what a large one takes.
#[test]
fn what_is_issued_is_enough_for_the_call_that_was_sent_back() {
    let (policies, input) = with(
        &schema(),
        &format!("permit (principal, action == Action::\"{TOOL}\", resource) when {{ context.input.amount < 100 }};"),
    );
    assert_eq!(steps(&policies, &input, r#"{"amount": 5}"#), [None, None, Some(StepUp::Approval)]);
    assert_eq!(steps(&policies, &input, r#"{"amount": 500}"#), [Some(StepUp::Approval), None, Some(StepUp::Approval)]);
    let (policies, input) = with(
        &schema(),
        &format!(
            "permit (principal, action == Action::\"{TOOL}\", resource)
            when {{ context.input.amount < 100 || context.authority == Authority::\"consent\" }};"
        ),
    );
    assert_eq!(steps(&policies, &input, r#"{"amount": 500}"#), [Some(StepUp::Consent), None, Some(StepUp::Consent)]);
}

/// What no arguments open is not listed, although a policy looks at them.
#[test]
fn what_no_arguments_open_is_not_listed() {
    let (policies, _) = with(
        &schema(),
        &format!(
            "forbid (principal, action == Action::\"{TOOL}\", resource)
            when {{ principal.kind == Kind::\"autonomous\" || context.input.amount > 100 }};"
        ),
    );
    assert!(matches!(policies.decide_most(&question(Tier::Low)), Decision::Deny { .. }));
    assert!(matches!(policies.decide_fully(&question(Tier::Low)), Decision::Deny { .. }));
    let delegated = Question { kind: AgentKind::Delegated, ..question(Tier::Low) };
    assert!(matches!(policies.decide_most(&delegated), Decision::Allow { .. }));
}

/// Sums that overflow deny, and do not pass the `forbid` by.
///
/// Field: L8
#[test]
fn a_sum_that_overflows_denies() {
    let text = format!(
        "forbid (principal, action == Action::\"{TOOL}\", resource) when {{ context.input.amount + 1 > 100 }};"
    );
    let (policies, input) = with(&schema(), &text);
    let sent = br#"{"amount": 9223372036854775807}"#;
    let said = policies.decide(&question(Tier::Low), Arguments::Sent(&input, Some(sent))).unwrap();
    assert!(matches!(said, Decision::Deny { reason: DenyReason::EvaluationError, .. }), "{said:?}");
}
