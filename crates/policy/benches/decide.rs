//! What one decision costs, with few and with many policies and tools: a known question, a new one, one whose arguments
//! matter; and what it costs to load them.

#![allow(clippy::unwrap_used)]

use divan::{Bencher, black_box};
use model::{AgentKind, Assurance, Authority, CallTarget, Class, Question, Tier};
use portcullis_policy::{Accepted, Arguments, Directory, InputType, Policies, PolicyFile};
use serde_json::json;

fn main() {
    divan::main();
}

fn question(tool: &str) -> Question {
    Question {
        agent: "claude-code@ada".parse().unwrap(),
        kind: AgentKind::Delegated,
        assurance: Assurance::Published,
        owner: "ada".parse().unwrap(),
        purpose: "to help".into(),
        sponsor: None,
        eligible_only: false,
        person: Some("ada".parse().unwrap()),
        server: "tickets".parse().unwrap(),
        target: CallTarget::Tool(tool.parse().unwrap(), Class::Rated(Tier::Low)),
        authority: Authority::Standing,
        exceptions: Default::default(),
        key_proven: false,
    }
}

/// Every tool has some type; there are a hundred different ones.
fn input(number: usize) -> InputType {
    let own = format!("of_{}", number % 100);
    InputType::of(
        &json!({"properties": {"amount": {"type": "integer"}, "to": {"type": "string"}, own: {"type": "boolean"}}}),
    )
}

fn accepted(tools: usize) -> Accepted {
    let mut accepted = Accepted::default();
    accepted.insert("tickets.refund".into(), input(0));
    for number in 0..tools {
        accepted.insert(format!("s.t{number}"), input(number));
    }
    accepted
}

/// Each about one tool; every tenth looks at its arguments.
fn text(count: usize) -> String {
    let one = |n: usize| {
        let when =
            if n.is_multiple_of(10) { " when { context.input has amount && context.input.amount < 5 }" } else { "" };
        format!("@id(\"p{n}\") permit (principal, action == Action::\"s.t{n}\", resource){when};\n")
    };
    (0..count).map(one).collect()
}

const TYPED: &str = "@id(\"typed\") forbid (principal, action == Action::\"tickets.refund\", resource)
    when { context.input has amount && context.input.amount > 100 };
    @id(\"general\") forbid (principal, action in Action::\"call\", resource)
    when { context has input && context.input has to && context.input.to like \"*@evil.test\" };";

fn load(policies: usize, tools: usize, more: &str) -> Policies {
    let file = PolicyFile { name: "many.cedar".into(), text: text(policies) + more };
    Policies::load_for(&[file], Directory::default(), &accepted(tools)).unwrap()
}

/// Policies and tools.
const SIZES: [(usize, usize); 4] = [(10, 10), (10_000, 10), (10, 10_000), (10_000, 10_000)];

#[divan::bench(args = SIZES)]
fn known_question(bencher: Bencher, (policies, tools): (usize, usize)) {
    let (policies, question) = (load(policies, tools, ""), question("get_ticket"));
    bencher.bench_local(|| policies.decide(black_box(&question), Arguments::None));
}

#[divan::bench(args = SIZES)]
fn new_question(bencher: Bencher, (policies, tools): (usize, usize)) {
    let (policies, question) = (load(policies, tools, ""), question("get_ticket"));
    bencher.bench_local(|| policies.decide_anew(black_box(&question), Arguments::None));
}

/// As at every call of a tool whose arguments some policy looks at.
#[divan::bench(args = SIZES)]
fn with_arguments(bencher: Bencher, (policies, tools): (usize, usize)) {
    let (policies, question, input) = (load(policies, tools, TYPED), question("refund"), input(0));
    let sent = br#"{"amount": 5, "to": "somebody@good.test", "of_0": true}"#;
    bencher.bench_local(|| policies.decide(black_box(&question), Arguments::Sent(&input, Some(black_box(sent)))));
}

/// The same tool where only others are looked at.
#[divan::bench]
fn without_arguments(bencher: Bencher) {
    let (policies, question, input) = (load(10, 10, ""), question("refund"), input(0));
    let sent = br#"{"amount": 5, "to": "somebody@good.test", "of_0": true}"#;
    bencher.bench_local(|| policies.decide(black_box(&question), Arguments::Sent(&input, Some(black_box(sent)))));
}

#[divan::bench(args = [0, 10_000], sample_count = 10)]
fn every_policy(bencher: Bencher, extra: usize) {
    let (policies, question) = (load(extra, 10, ""), question("get_ticket"));
    bencher.bench_local(|| policies.decide_by_all(black_box(&question), Arguments::None));
}

#[divan::bench(args = SIZES, sample_count = 1, sample_size = 1)]
fn loading(bencher: Bencher, (policies, tools): (usize, usize)) {
    bencher.bench_local(|| load(policies, tools, TYPED));
}
