//! The fast ways agree with the slow one: the table of answers, and the slices of policies.

#![allow(clippy::unwrap_used)]

use model::{AgentKind, Assurance, Authority, CallTarget, Class, Question, Tier};
use portcullis_policy::{Policies, PolicyFile};
use proptest::prelude::*;

fn names(all: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(all)
}

const AGENTS: &[&str] = &["a", "b", "tickets"];
const SERVERS: &[&str] = &["tickets", "files"];
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
        prop::option::of((names(TOOLS), prop::option::of(prop::sample::select(Tier::ALL.to_vec())))),
        prop::sample::select(vec![Authority::Standing, Authority::Consent, Authority::Approval]),
    );
    (who, what).prop_map(|((agent, kind, assurance, person), (server, tool, authority))| Question {
        agent: agent.parse().unwrap(),
        kind,
        assurance,
        person: person.map(|person| person.parse().unwrap()),
        server: server.parse().unwrap(),
        target: tool.map_or(CallTarget::Protocol, |(tool, tier)| {
            CallTarget::Tool(tool.parse().unwrap(), tier.map_or(Class::Held(model::HeldFor::Tier), Class::Rated))
        }),
        authority,
    })
}

/// A policy for one action, so that it always holds against the schema.
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
        2 => (names(SERVERS), names(TOOLS)).prop_map(|(s, t)| format!("resource == Tool::\"{s}.{t}\"")),
    ];
    let connect = prop_oneof![
        Just("resource".to_owned()),
        names(SERVERS).prop_map(|name| format!("resource == Server::\"{name}\"")),
    ];
    let resource = prop_oneof![
        3 => (Just("call"), call),
        1 => (Just("connect"), connect),
    ];
    let condition = names(&[
        "",
        "when { principal.kind == Kind::\"delegated\" }",
        "when { context.authority == Authority::\"approval\" }",
        "unless { context has person }",
        "when { context has person && context.person == Person::\"a\" }",
        "when { principal.assurance == Assurance::\"proven\" && 9223372036854775807 + 1 == 0 }",
    ]);
    (effect, principal, resource, condition).prop_map(|(effect, principal, (action, resource), condition)| {
        format!("{effect} ({principal}, action == Action::\"{action}\", {resource}) {condition};\n")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_table_the_slices_and_the_whole_set_always_agree(
        texts in prop::collection::vec(policy(), 0..12),
        questions in prop::collection::vec(question(), 1..12),
    ) {
        let file = PolicyFile { name: "own.cedar".into(), text: texts.concat() };
        let policies = Policies::load(&[file]).unwrap();
        for question in questions.iter().chain(&questions) {
            let by_all = policies.decide_by_all(question);
            prop_assert_eq!(&policies.decide_anew(question), &by_all, "{:?}", question);
            prop_assert_eq!(&policies.decide(question), &by_all, "{:?}", question);
        }
    }
}
