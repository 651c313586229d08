//! The fast ways agree with the slow one, and what is said without arguments with what is said to them: for any policies,
//! any questions and any arguments.

#![allow(clippy::unwrap_used)]

use model::{AgentKind, Assurance, Authority, CallTarget, Class, Decision, Question, StepUp, Tier};
use portcullis_policy::{Accepted, Arguments, Directory, InputType, Policies, PolicyFile};
use proptest::prelude::*;
use serde_json::json;

fn names(all: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(all)
}

const AGENTS: &[&str] = &["a", "b", "tickets"];
const SERVERS: &[&str] = &["tickets", "files", "wild"];
const TOOLS: &[&str] = &["get", "delete", "a.b"];

fn question() -> impl Strategy<Value = Question> {
    let who = (
        names(AGENTS),
        prop::sample::select(vec![AgentKind::Delegated, AgentKind::Autonomous]),
        prop::sample::select(vec![Assurance::Declared, Assurance::Published, Assurance::Proven]),
        prop::option::of(names(AGENTS)),
    );
    let what = (
        names(SERVERS),
        prop::option::weighted(
            0.9,
            (names(TOOLS), prop::option::weighted(0.9, prop::sample::select(Tier::ALL.to_vec()))),
        ),
        prop::sample::select(vec![Authority::Standing, Authority::Consent, Authority::Approval]),
        any::<bool>(),
    );
    (who, what).prop_map(|((agent, kind, assurance, person), (server, tool, authority, excepted))| Question {
        agent: agent.parse().unwrap(),
        kind,
        assurance,
        owner: person.unwrap_or("a").parse().unwrap(),
        purpose: "to help".into(),
        sponsor: None,
        eligible_only: false,
        person: person.map(|person| person.parse().unwrap()),
        server: server.parse().unwrap(),
        target: tool.map_or(CallTarget::Protocol, |(tool, tier)| {
            CallTarget::Tool(tool.parse().unwrap(), tier.map_or(Class::Held(model::HeldFor::Tier), Class::Rated))
        }),
        authority,
        exceptions: if excepted {
            ["change-freeze".parse().unwrap()].into_iter().collect()
        } else {
            Default::default()
        },
        key_proven: false,
    })
}

/// A condition, some of which look at arguments.
fn condition() -> impl Strategy<Value = String> {
    let leaf = names(&[
        "true",
        "context.authority == Authority::\"approval\"",
        "context.authority != Authority::\"standing\"",
        "(context has person && context.person == Person::\"a\")",
        "principal.assurance == Assurance::\"proven\"",
        "resource_is_high",
        "(principal.assurance == Assurance::\"proven\" && 9223372036854775807 + 1 == 0)",
        "context.exceptions.contains(\"change-freeze\")",
        "context has input",
        "(context has input && context.input has amount && context.input.amount > 100)",
        "(context has input && context.input.confirm)",
        "(context has input && context.input has amount && context.input.amount + 1 > 9223372036854775807)",
        "(context has input && context.input has tags && context.input.tags.contains(\"x\"))",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("(if {a} then {b} else {c})")),
        ]
    })
}

fn policy() -> impl Strategy<Value = String> {
    let effect = names(&["permit", "permit", "forbid"]);
    let principal = prop_oneof![
        3 => Just("principal".to_owned()),
        1 => Just("principal is Agent".to_owned()),
        1 => names(AGENTS).prop_map(|name| format!("principal == Agent::\"{name}\"")),
        1 => names(AGENTS).prop_map(|name| format!("principal in Agent::\"{name}\"")),
    ];
    let call = prop_oneof![
        2 => Just("resource".to_owned()),
        1 => names(SERVERS).prop_map(|name| format!("resource in Server::\"{name}\"")),
        1 => names(SERVERS).prop_map(|name| format!("resource is Tool in Server::\"{name}\"")),
        2 => (names(&["tickets", "files"]), names(TOOLS)).prop_map(|(s, t)| format!("resource == Tool::\"{s}.{t}\"")),
    ];
    let connect = prop_oneof![
        Just("resource".to_owned()),
        names(SERVERS).prop_map(|name| format!("resource == Server::\"{name}\"")),
    ];
    let tool = || (names(&["tickets", "files"]), names(TOOLS)).prop_map(|(s, t)| format!("\"{s}.{t}\""));
    let scope = prop_oneof![
        4 => call.clone().prop_map(|resource| ("action in Action::\"call\"".to_owned(), resource)),
        2 => call.prop_map(|resource| ("action == Action::\"elevate\"".to_owned(), resource)),
        1 => connect.prop_map(|resource| ("action == Action::\"connect\"".to_owned(), resource)),
        2 => tool().prop_map(|tool| (format!("action == Action::{tool}"), "resource".to_owned())),
        1 => (tool(), tool()).prop_map(|(a, b)| (format!("action in [Action::{a}, Action::{b}]"), "resource".to_owned())),
    ];
    let clause = (names(&["when", "unless"]), condition());
    (effect, principal, scope, prop::collection::vec(clause, 0..3)).prop_map(
        |(effect, principal, (action, resource), clauses)| {
            let is_call = !action.contains("connect");
            let high = if is_call { "resource.tier == Tier::\"high\"" } else { "false == true" };
            let clauses: String = clauses
                .iter()
                .map(|(kind, condition)| format!(" {kind} {{ {} }}", condition.replace("resource_is_high", high)))
                .collect();
            format!("{effect} ({principal}, {action}, {resource}){clauses};\n")
        },
    )
}

fn arguments() -> impl Strategy<Value = String> {
    let amount = prop::option::of(names(&["1", "100", "101", "9223372036854775806", "9223372036854775807"]));
    let tags = prop::option::of(names(&["[]", "[\"x\"]", "[\"y\", \"y\"]"]));
    (amount, any::<bool>(), tags).prop_map(|(amount, confirm, tags)| {
        let amount = amount.map(|amount| format!("\"amount\": {amount}, ")).unwrap_or_default();
        let tags = tags.map(|tags| format!("\"tags\": {tags}, ")).unwrap_or_default();
        format!("{{{amount}{tags}\"confirm\": {confirm}, \"more\": {{\"__entity\": 1}}}}")
    })
}

fn input() -> InputType {
    InputType::of(&json!({
        "type": "object",
        "properties": {
            "amount": {"type": "integer"}, "confirm": {"type": "boolean"},
            "tags": {"type": "array", "items": {"type": "string"}}
        },
        "required": ["confirm"],
    }))
}

/// Those of the texts that hold; a condition that can never be true is none that could be loaded.
fn loaded(texts: &[String]) -> Policies {
    let mut accepted = Accepted::default();
    for (server, tool) in ["tickets", "files"].iter().flat_map(|server| TOOLS.iter().map(move |tool| (server, tool))) {
        accepted.insert(format!("{server}.{tool}"), input());
    }
    let load = |text: &str| {
        let file = PolicyFile { name: "own.cedar".into(), text: text.into() };
        Policies::load_for(&[file], Directory::default().with_unpinned("wild".parse().unwrap()), &accepted)
    };
    if let Ok(policies) = load(&texts.concat()) {
        return policies;
    }
    let holding: String = texts.iter().filter(|text| load(text).is_ok()).map(String::as_str).collect();
    load(&holding).unwrap()
}

/// How far somebody gets: less is more.
fn distance(decision: &Decision) -> u8 {
    match decision {
        Decision::Allow { .. } => 0,
        Decision::StepUp { by: StepUp::Consent, .. } => 1,
        Decision::StepUp { by: StepUp::Approval, .. } => 2,
        Decision::Deny { .. } => 3,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_table_the_slices_and_the_whole_set_always_agree(
        texts in prop::collection::vec(policy(), 0..8),
        asked in prop::collection::vec((question(), arguments()), 1..12),
    ) {
        let (policies, input) = (loaded(&texts), input());
        for (question, arguments) in asked.iter().chain(&asked) {
            let arguments = Arguments::Sent(&input, Some(arguments.as_bytes()));
            let by_all = policies.decide_by_all(question, arguments);
            prop_assert_eq!(&policies.decide_anew(question, arguments), &by_all, "{:?}", question);
            prop_assert_eq!(&policies.decide(question, arguments), &by_all, "{:?}", question);
        }
    }

    /// What is allowed when it is used is listed and can be issued, and what is issued is enough for whatever a call was
    /// sent back for.
    ///
    /// Field: L7
    #[test]
    fn what_is_allowed_with_arguments_is_listed_and_issued_without_them(
        texts in prop::collection::vec(policy(), 0..8),
        asked in prop::collection::vec((question(), arguments()), 1..12),
    ) {
        let (policies, input) = (loaded(&texts), input());
        for (question, arguments) in &asked {
            let used = policies.decide(question, Arguments::Sent(&input, Some(arguments.as_bytes()))).unwrap();
            let (listed, issued) = (policies.decide_most(question), policies.decide_fully(question));
            prop_assert!(distance(&listed) <= distance(&used), "{:?} {:?} {:?}", question, used, listed);
            if distance(&used) < 3 {
                prop_assert!(distance(&issued) < 3, "{:?} {:?} {:?}", question, used, issued);
                prop_assert!(distance(&issued) >= distance(&used), "{:?} {:?} {:?}", question, used, issued);
            }
            if !policies.depends_on_arguments(question) {
                prop_assert_eq!(&listed, &used);
                prop_assert_eq!(&issued, &used);
            }
        }
    }
}
