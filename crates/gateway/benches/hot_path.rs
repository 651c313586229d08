//! What one authorized call costs, step by step, and as a whole against an upstream on loopback.
//!
//! The whole includes the upstream's own work and the durable record; compare steps with steps.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

#[path = "../tests/world/mod.rs"]
mod world;

use std::sync::{Arc, LazyLock};

use divan::{Bencher, black_box};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use mcp::{json, jsonrpc, revision};
use model::{Actor, Authority, CallTarget, Class, Question, Tier, event::examples};
use portcullis_gateway::{
    credential::{Credential, Presentation},
    principal::Verifier,
    protected_server::ProtectedServer,
};
use serde_json::json;
use tokio::runtime::Runtime;
use world::{World, modern};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());
static WORLD: LazyLock<World> = LazyLock::new(|| RUNTIME.block_on(World::start()));

fn main() {
    divan::main();
}

/// A call of about 1 KB.
fn call() -> (Vec<(&'static str, String)>, String) {
    modern("tools/call", json!({"name": "get_ticket", "arguments": {"text": "x".repeat(700), "ids": [1, 2, 3]}}))
}

fn header_map() -> HeaderMap {
    let pairs = call().0;
    pairs
        .into_iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::try_from(value).unwrap()))
        .collect()
}

#[divan::bench]
fn check_strict(bencher: Bencher) {
    let (_, body) = call();
    bencher.bench(|| json::check(black_box(body.as_bytes())).is_ok());
}

#[divan::bench]
fn parse(bencher: Bencher) {
    let (_, body) = call();
    bencher.bench(|| jsonrpc::parse(black_box(body.as_bytes())));
}

#[divan::bench]
fn compare_headers(bencher: Bencher) {
    let (headers, (_, body)) = (header_map(), call());
    let message = jsonrpc::parse(body.as_bytes()).unwrap();
    bencher.bench(|| revision::speak(black_box(&headers), black_box(&message)).is_ok());
}

fn verifier() -> (Verifier, ProtectedServer, String) {
    let server = serde_json::from_value(json!({"url": "http://127.0.0.1:1/mcp"})).unwrap();
    let whole = serde_json::from_value(json!({"public_url": "http://127.0.0.1:8420"})).unwrap();
    let protected = ProtectedServer::new(
        &WORLD.store,
        &"tickets".parse().unwrap(),
        &server,
        (&whole, &Arc::new(policy::Policies::built_in())),
    )
    .unwrap();
    (Verifier::new(WORLD.store.clone(), "http://127.0.0.1:8420".into(), None), protected, WORLD.token())
}

fn credential(token: &str) -> Credential {
    Credential { token: crypto::Presented::new(token).unwrap(), presentation: Presentation::Bearer }
}

/// A token that was seen before, with a proof: verified anew each time, and looked for among those that were used.
#[divan::bench]
fn verify_hot_with_a_proof(bencher: Bencher) {
    let (verifier, server, _) = verifier();
    let key = crypto::AgentKey::generate();
    let cnf = Some(model::Confirmation { jkt: key.thumbprint() });
    let token = WORLD.sign(&model::AccessClaims { cnf, ..WORLD.claims() });
    let now = WORLD.clock_now();
    let proof = key.sign_proof(("POST", server.resource.as_str()), Some(&token), None, now).unwrap();
    bencher.bench(|| {
        let presentation = Presentation::Dpop(crypto::PresentedProof::new(&proof).unwrap());
        let credential = Credential { token: crypto::Presented::new(&token).unwrap(), presentation };
        RUNTIME.block_on(verifier.principal(&server, &Method::POST, credential)).unwrap()
    });
}

#[divan::bench]
fn verify_hot(bencher: Bencher) {
    let (verifier, server, token) = verifier();
    bencher.bench(|| {
        let presented = credential(&token);
        RUNTIME.block_on(verifier.principal(&server, &Method::POST, presented)).unwrap()
    });
}

/// First sight of a token: signature and one read of the store.
#[divan::bench]
fn verify_cold(bencher: Bencher) {
    let (_, server, token) = verifier();
    bencher.with_inputs(|| Verifier::new(WORLD.store.clone(), "http://127.0.0.1:8420".into(), None)).bench_values(
        |verifier| {
            let presented = credential(&token);
            RUNTIME.block_on(verifier.principal(&server, &Method::POST, presented)).unwrap()
        },
    );
}

#[divan::bench]
fn decide(bencher: Bencher) {
    let policies = policy::Policies::built_in();
    let question = Question {
        agent: "bot@ada".parse().unwrap(),
        kind: model::AgentKind::Delegated,
        assurance: model::Assurance::Proven,
        owner: "ada".parse().unwrap(),
        purpose: "to help".into(),
        sponsor: None,
        eligible_only: false,
        person: Some("ada".parse().unwrap()),
        server: "tickets".parse().unwrap(),
        target: CallTarget::Tool("get_ticket".parse().unwrap(), Class::Rated(Tier::Low)),
        authority: Authority::Standing,
        exceptions: Default::default(),
        key_proven: false,
    };
    bencher.bench(|| policies.decide(black_box(&question), policy::Arguments::None));
}

/// The arguments of a small call, by a schema as servers write them.
#[divan::bench]
fn check_arguments(bencher: Bencher) {
    let tool = json!({"name": "get_ticket", "inputSchema": {
        "type": "object", "required": ["id"], "additionalProperties": false,
        "properties": {"id": {"type": "integer", "minimum": 1}, "fields": {"type": "array", "items": {"type": "string"}}},
    }});
    let tool = tool.to_string();
    let definition = catalogue::Definition::of_tool(json::check(tool.as_bytes()).unwrap()).unwrap();
    let schema = catalogue::ArgumentSchema::of(&definition).unwrap().unwrap();
    let arguments = br#"{"id": 41, "fields": ["title", "state"]}"#;
    bencher.bench(|| schema.check(&serde_json::from_slice(black_box(arguments)).unwrap()).unwrap());
}

/// One durable record at a time; under load many share one commit.
#[divan::bench]
fn record(bencher: Bencher) {
    let event = || examples::call_decided("a").by(Actor::Agent("bot@ada".parse().unwrap()));
    bencher.bench(|| RUNTIME.block_on(WORLD.store.record(event())).unwrap());
}

/// 32 records that arrive together.
#[divan::bench(sample_count = 50)]
fn record_32_together(bencher: Bencher) {
    let store = Arc::new(WORLD.store.clone());
    bencher.counter(divan::counter::ItemsCount::new(32usize)).bench(|| {
        let all = (0..32).map(|_| store.record(examples::call_decided("a").by(Actor::System)));
        RUNTIME.block_on(futures_util::future::join_all(all))
    });
}

#[divan::bench]
fn whole_call(bencher: Bencher) {
    let (headers, body) = call();
    let bearer = format!("Bearer {}", WORLD.token());
    let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.extend([("authorization", bearer.as_str()), ("content-type", "application/json")]);
    bencher.bench(|| {
        let answer = RUNTIME.block_on(WORLD.send(Method::POST, "/mcp/tickets", &headers, body.clone()));
        assert_eq!(answer.status, 200);
    });
}
