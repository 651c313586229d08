//! What durability costs: records that share a commit, changes, and the read behind every call.
//!
//! On SQLite in a temporary directory (`TMPDIR` chooses the disk); on PostgreSQL, in the database that
//! `PORTCULLIS_BENCH_POSTGRES` names, when it is set.
#![allow(clippy::unwrap_used, reason = "a benchmark that can not go on may panic")]

use std::sync::Arc;

use divan::{Bencher, counter::ItemsCount};
use model::event::{CallDecided, examples};
use model::{
    Actor, Agent, AgentKind, AgentState, Assurance, Event, Grant, Id, Person, Span, SystemClock, Timestamp,
    config::StoreUrl,
};
use portcullis_store::{Commit, OpenOptions, Store, StoreError, privilege::PrivilegeTx};
use tempfile::TempDir;
use tokio::runtime::Runtime;

fn main() {
    divan::main();
}

struct Place {
    runtime: Runtime,
    store: Store,
    grant: Id<Grant>,
    _directory: TempDir,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let url = match std::env::var("PORTCULLIS_BENCH_POSTGRES") {
            Ok(url) => StoreUrl::try_from(url).unwrap(),
            Err(_) => StoreUrl::sqlite_in(directory.path()),
        };
        let (store, grant) = runtime.block_on(async {
            let store = Store::open(OpenOptions {
                url,
                data_dir: directory.path().to_owned(),
                origin: "bench.example/audit".into(),
                clock: Arc::new(SystemClock),
                node: Some("bench".into()),
                store_silence: Span::from_seconds(2),
                missing: portcullis_store::Missing::IsMade,
            })
            .await
            .unwrap();
            let grant = settle(&store).await;
            (store, grant)
        });
        Self { runtime, store, grant, _directory: directory }
    }
}

async fn settle(store: &Store) -> Id<Grant> {
    let person =
        Person { id: "ada".parse().unwrap(), display_name: "Ada".into(), roles: Default::default(), disabled: false };
    let agent = Agent {
        id: crypto::mint::<Grant>().as_str().parse().unwrap(),
        title: "Scribe".into(),
        owner: person.id.clone(),
        purpose: "to measure".into(),
        kind: AgentKind::Autonomous,
        client: "scribe".parse().unwrap(),
        assurance: Assurance::Proven,
        state: AgentState::Active,
        created_at: Timestamp::default(),
        sponsor: None,
        eligible_only: false,
    };
    let grant = Grant {
        id: crypto::mint(),
        agent: agent.id.clone(),
        person: None,
        server: "tickets".parse().unwrap(),
        scopes: "tickets:low".parse().unwrap(),
        created_at: Timestamp::default(),
        not_after: Timestamp::from_seconds(i64::from(u32::MAX)),
        ended_at: None,
    };
    let id = grant.id.clone();
    store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                PrivilegeTx::of(tx).put_person(&person, None).await?;
                PrivilegeTx::of(tx).put_agent(&agent).await?;
                PrivilegeTx::of(tx).put_grant(&grant).await?;
                Ok(Commit::with(examples::any(), ()))
            })
        })
        .await
        .unwrap();
    id
}

/// A record as the gateway writes it.
fn decided() -> Event {
    examples::call_decided("AAAAAAAAAAAAAAAAAAAAAA").by(Actor::Agent("scribe@ada".parse().unwrap()))
}

/// So many callers record one event each, all at once.
#[divan::bench(args = [1, 16, 64, 256, 1024], sample_count = 20, sample_size = 5)]
fn record(bencher: Bencher<'_, '_>, callers: usize) {
    let place = Place::new();
    bencher.counter(ItemsCount::new(callers)).bench_local(|| {
        place.runtime.block_on(async {
            let waiting = (0..callers).map(|_| place.store.record(decided()));
            for recorded in futures_util::future::join_all(waiting).await {
                recorded.unwrap();
            }
        });
    });
}

/// The same when each is of another agent: what the index of the log costs at most.
#[divan::bench(args = [1, 16, 64, 256, 1024], sample_count = 20, sample_size = 5)]
fn record_of_many_agents(bencher: Bencher<'_, '_>, callers: usize) {
    let place = Place::new();
    let of = |number: usize| {
        let agent = format!("agent-{number}").parse().unwrap();
        let call = CallDecided { agent, ..examples::call_decided("AAAAAAAAAAAAAAAAAAAAAA") };
        let actor = Actor::Agent(call.agent.clone());
        call.by(actor)
    };
    let mut next = 0;
    bencher.counter(ItemsCount::new(callers)).bench_local(|| {
        next += callers;
        place.runtime.block_on(async {
            let waiting = (0..callers).map(|number| place.store.record(of(next + number)));
            for recorded in futures_util::future::join_all(waiting).await {
                recorded.unwrap();
            }
        });
    });
}

/// So many callers change a row and record it, all at once.
#[divan::bench(args = [1, 64], sample_count = 20, sample_size = 5)]
fn write(bencher: Bencher<'_, '_>, callers: usize) {
    let place = Place::new();
    bencher.counter(ItemsCount::new(callers)).bench_local(|| {
        place.runtime.block_on(async {
            let waiting = (0..callers).map(|_| {
                place.store.write::<_, StoreError, _>(|tx| {
                    Box::pin(async move {
                        let (key, now) = (crypto::Opaque::mint("jti_"), tx.now());
                        tx.use_once("jti", key.expose(), now.after(Span::from_minutes(5)), now).await?;
                        Ok(Commit::with(decided(), ()))
                    })
                })
            });
            for written in futures_util::future::join_all(waiting).await {
                written.unwrap();
            }
        });
    });
}

/// Is everything alive that a call under a grant needs?
#[divan::bench(sample_count = 50, sample_size = 20)]
fn standing(bencher: Bencher<'_, '_>) {
    let place = Place::new();
    bencher.bench_local(|| place.runtime.block_on(place.store.grant_holder(&place.grant, None)).unwrap().unwrap());
}
