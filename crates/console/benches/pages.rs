//! How long each page of the console takes over a hundred thousand agents with their grants.
//!
//! On SQLite in a temporary directory. `PORTCULLIS_BENCH_AGENTS` chooses another number. Every page is to take less than
//! 50 ms, whatever that number is.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark that can not go on may panic")]

use std::{sync::Arc, time::Instant};

use axum::{Router, body::Body};
use crypto::Digest;
use http::{Request, header};
use http_body_util::BodyExt;
use model::{
    Actor, Agent, AgentKind, AgentState, Approval, Assurance, Decided, Elevation, Grant, Person, Role, Span, Stage,
    StepUp, SystemClock,
    config::{Config, StoreUrl},
    event::{CallDecided, CallRefused, Event, examples},
};
use portcullis_console::Console;
use store::{Commit, Missing, OpenOptions, Session, Store, StoreError, Tx, privilege::PrivilegeTx};
use tower::ServiceExt;

const AGENTS: usize = 100_000;
/// Agents of one person.
const EACH: usize = 100;
/// Of so many agents one has an elevation in force, and another one waits for one.
const ONE_IN: usize = 50;
/// Records of calls. Each of so many agents has one after the other.
const CALLS: usize = 5_000;
const CALLERS: usize = 200;
/// Agents that are made in one transaction.
const CHUNK: usize = 500;
const TIMES: usize = 5;

const PAGES: &[&str] = &[
    "/console",
    "/console/agents",
    "/console/agents?after=agent-000950",
    "/console/agents/agent-000950",
    "/console/grants",
    "/console/people",
    "/console/servers",
    "/console/audit",
    "/console/kill-switch",
    "/me",
    "/me/account",
];

fn main() {
    let agents = std::env::var("PORTCULLIS_BENCH_AGENTS").ok().and_then(|count| count.parse().ok());
    let agents = agents.unwrap_or(AGENTS);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(OpenOptions {
            url: StoreUrl::sqlite_in(directory.path()),
            data_dir: directory.path().to_owned(),
            origin: "bench.example/audit".into(),
            clock: Arc::new(SystemClock),
            node: None,
            store_silence: Span::from_seconds(60),
            missing: Missing::IsMade,
        })
        .await
        .unwrap();
        settle(&store, agents).await;
        let cookie = signed_in(&store).await;
        let config: Config = serde_json::from_value(serde_json::json!({
            "public_url": "https://gw.test",
            "servers": {"tickets": {"url": "http://127.0.0.1:1/mcp", "tools": {"get_*": "low", "delete_*": "high"}}},
        }))
        .unwrap();
        let console = Console::new(Arc::new(config), store.clone(), Arc::new(policy::Policies::built_in()));
        println!("{:<40} {:>9} {:>9}", format!("{agents} agents"), "median", "bytes");
        for page in PAGES {
            measure(console.router(), page, &cookie).await;
        }
        store.close().await;
    });
}

async fn measure(router: Router, path: &str, cookie: &str) {
    let (mut times, mut bytes) = (Vec::new(), 0);
    for _ in 0..TIMES {
        let request = Request::get(path).header(header::HOST, "gw.test").header(header::COOKIE, cookie);
        let began = Instant::now();
        let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status();
        bytes = response.into_body().collect().await.unwrap().to_bytes().len();
        times.push(began.elapsed());
        assert!(status.is_success(), "{path}: {status}");
    }
    times.sort_unstable();
    println!("{path:<40} {:>6.1} ms {bytes:>9}", times[TIMES / 2].as_secs_f64() * 1000.0);
}

/// Signs the first owner in, who may see everything.
async fn signed_in(store: &Store) -> String {
    let value = crypto::Opaque::mint("pcs").expose().to_owned();
    let now = store.now();
    let session = Session {
        digest: Digest::of(&value),
        person: owner(0),
        logged_in_at: now,
        not_after: now.after(Span::from_minutes(60)),
    };
    store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                tx.put_session(&session).await?;
                Ok(Commit::with(examples::any(), ()))
            })
        })
        .await
        .unwrap();
    format!("__Host-portcullis_session={value}")
}

async fn settle(store: &Store, agents: usize) {
    for first in (0..agents).step_by(CHUNK) {
        store
            .write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    for number in first..(first + CHUNK).min(agents) {
                        one(tx, number).await?;
                    }
                    Ok(Commit::with(examples::any(), ()))
                })
            })
            .await
            .unwrap();
    }
    for first in (0..CALLS).step_by(CHUNK) {
        let calls = (first..first + CHUNK).map(|number| store.record(call(number)));
        for recorded in futures_util::future::join_all(calls).await {
            recorded.unwrap();
        }
    }
    // The first owner's were refused, too.
    for number in (0..EACH * 5).map(|number| number % EACH) {
        let agent = agent(number);
        let grant = store.standing_grants_of(&agent, store.now()).await.unwrap().remove(0).grant.id;
        let refused = CallRefused { agent: agent.clone(), grant, ..examples::call_refused() };
        store.record(refused.by(Actor::Agent(agent))).await.unwrap();
    }
}

/// A call of one of many agents, of which one is the one that is shown.
fn call(number: usize) -> Event {
    let agent = agent(950 - number % CALLERS);
    let decided = CallDecided { agent: agent.clone(), ..examples::call_decided(&format!("{number:022}")) };
    decided.by(Actor::Agent(agent))
}

async fn one(tx: &mut Tx<'_>, number: usize) -> Result<(), StoreError> {
    let (now, owner) = (tx.now(), owner(number / EACH));
    let mut tx = PrivilegeTx::of(tx);
    if number.is_multiple_of(EACH) {
        let roles = if number == 0 { vec![Role::Admin, Role::Auditor, Role::Approver] } else { Vec::new() };
        let display_name = format!("Owner {}", number / EACH);
        let person = Person { id: owner.clone(), display_name, roles: roles.into_iter().collect(), disabled: false };
        tx.put_person(&person, None).await?;
    }
    let agent = Agent {
        id: agent(number),
        title: "Scribe".into(),
        owner: owner.clone(),
        purpose: "to be listed".into(),
        kind: AgentKind::Delegated,
        client: format!("https://client-{number}.example/client").parse().unwrap(),
        assurance: Assurance::Declared,
        state: AgentState::Active,
        created_at: now,
        sponsor: None,
        eligible_only: false,
    };
    tx.put_agent(&agent).await?;
    let grant = Grant {
        id: crypto::mint(),
        agent: agent.id,
        person: Some(owner.clone()),
        server: "tickets".parse().unwrap(),
        scopes: "tickets:low".parse().unwrap(),
        created_at: now,
        not_after: now.after(Span::from_minutes(600)),
        ended_at: None,
    };
    tx.put_grant(&grant).await?;
    let approval = || Approval {
        decided: Decided { by: owner.to_string(), at: now },
        not_after: now.after(Span::from_minutes(60)),
        uses: 0,
    };
    let stage = match number % ONE_IN {
        0 => Stage::Active(approval()),
        1 => Stage::Requested,
        _ => return Ok(()),
    };
    tx.put_elevation(&Elevation {
        id: crypto::mint(),
        grant: grant.id,
        scope: "tickets.delete_ticket".parse().unwrap(),
        call: None,
        by: StepUp::Approval,
        quorum: Default::default(),
        reason: "a spill".into(),
        requested_at: now,
        decide_before: now.after(Span::from_minutes(60)),
        lasts: Span::from_minutes(60),
        max_uses: 5,
        ends_with: Default::default(),
        stage,
    })
    .await
}

fn agent(number: usize) -> model::Id<Agent> {
    format!("agent-{number:06}").parse().unwrap()
}

fn owner(number: usize) -> model::Id<Person> {
    format!("owner-{number}").parse().unwrap()
}
