//! What one decision costs: a known question, a new one, and a new one among ten thousand policies.

#![allow(clippy::unwrap_used)]

use divan::{Bencher, black_box};
use model::{AgentKind, Assurance, Authority, CallTarget, Class, Question, Tier};
use portcullis_policy::{Policies, PolicyFile};

fn main() {
    divan::main();
}

fn question() -> Question {
    Question {
        agent: "claude-code@ada".parse().unwrap(),
        kind: AgentKind::Delegated,
        assurance: Assurance::Published,
        person: Some("ada".parse().unwrap()),
        server: "tickets".parse().unwrap(),
        target: CallTarget::Tool("get_ticket".parse().unwrap(), Class::Rated(Tier::Low)),
        authority: Authority::Standing,
    }
}

fn with_policies(count: usize) -> Policies {
    let text = (0..count)
        .map(|n| {
            format!("@id(\"p{n}\") permit (principal, action == Action::\"call\", resource == Tool::\"s.t{n}\");\n")
        })
        .collect();
    Policies::load(&[PolicyFile { name: "many.cedar".into(), text }]).unwrap()
}

#[divan::bench(args = [0, 10_000])]
fn known_question(bencher: Bencher, extra: usize) {
    let (policies, question) = (with_policies(extra), question());
    bencher.bench_local(|| policies.decide(black_box(&question)));
}

#[divan::bench(args = [0, 10_000])]
fn new_question(bencher: Bencher, extra: usize) {
    let (policies, question) = (with_policies(extra), question());
    bencher.bench_local(|| policies.decide_anew(black_box(&question)));
}

#[divan::bench(args = [0, 10_000], sample_count = 10)]
fn every_policy(bencher: Bencher, extra: usize) {
    let (policies, question) = (with_policies(extra), question());
    bencher.bench_local(|| policies.decide_by_all(black_box(&question)));
}
