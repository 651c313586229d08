//! The kill switch at every size: how long a revocation takes, and how long it keeps others waiting.
//!
//! On SQLite in a temporary directory; on PostgreSQL, in an empty database that `PORTCULLIS_BENCH_POSTGRES` names, when
//! it is set. `PORTCULLIS_BENCH_AWAY` puts that database so many microseconds away, each way. `PORTCULLIS_BENCH_SIZE` (0 to 3)
//! chooses one size. While the switch is turned, and while its ends are written down, one caller after the other records a
//! call: the longest that one of them waited is what the revocation cost the others.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark that can not go on may panic")]

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use model::{
    Actor, Agent, AgentKind, AgentState, Assurance, Grant, Person, Span, SystemClock, Target, config::StoreUrl,
    event::examples,
};
use portcullis_governance::orders::{revoke, write_ends};
use store::{Commit, Missing, OpenOptions, Store, StoreError, privilege::PrivilegeTx};

/// Agents, and grants of each.
const SIZES: [(usize, usize); 4] = [(100, 1), (10_000, 1), (100_000, 1), (100_000, 10)];
/// Agents that are made in one transaction: no more than fit into `store_silence` when the database is far away.
const CHUNK: usize = 50;

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!("revoke person …            acknowledged   written down   longest wait of others   (before)");
    let only = std::env::var("PORTCULLIS_BENCH_SIZE").ok().and_then(|only| only.parse::<usize>().ok());
    let postgres = std::env::var("PORTCULLIS_BENCH_POSTGRES").ok();
    let away = std::env::var("PORTCULLIS_BENCH_AWAY").ok().and_then(|micros| micros.parse().ok());
    let postgres = match (postgres, away.map(Duration::from_micros)) {
        (Some(url), Some(away)) => Some(far_away(&url, away)),
        (url, _) => url,
    };
    let sizes = match (only.and_then(|only| SIZES.get(only)), &postgres) {
        (Some(one), _) => std::slice::from_ref(one),
        // One database, one size.
        (None, Some(_)) => &SIZES[..1],
        (None, None) => &SIZES[..],
    };
    for (agents, grants) in sizes.iter().copied() {
        runtime.block_on(async {
            let directory = tempfile::tempdir().unwrap();
            let url = match &postgres {
                Some(url) => StoreUrl::try_from(url.clone()).unwrap(),
                None => StoreUrl::sqlite_in(directory.path()),
            };
            let options = OpenOptions {
                url,
                data_dir: directory.path().to_owned(),
                origin: "bench.example/audit".into(),
                clock: Arc::new(SystemClock),
                node: Some("bench".into()),
                store_silence: Span::from_seconds(1),
                missing: Missing::IsMade,
            };
            let store = Store::open(options).await.unwrap();
            settle(&store, agents, grants).await;
            measure(&store, agents * grants).await;
            store.close().await;
        });
    }
}

/// The same database behind a wire on which everything takes so long, each way.
fn far_away(url: &str, away: Duration) -> String {
    let (before, after) = url.split_once('@').unwrap();
    let (server, database) = after.split_once('/').unwrap();
    let (listener, server) = (TcpListener::bind("127.0.0.1:0").unwrap(), server.to_owned());
    let here = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (near, far) = (stream.unwrap(), TcpStream::connect(&server).unwrap());
            for end in [&near, &far] {
                end.set_nodelay(true).unwrap();
            }
            wire(near.try_clone().unwrap(), far.try_clone().unwrap(), away);
            wire(far, near, away);
        }
    });
    format!("{before}@{here}/{database}")
}

/// One direction of it: what arrives leaves so much later, and nothing waits for what came before it.
fn wire(mut from: TcpStream, mut to: TcpStream, away: Duration) {
    let (send, arrived) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut bytes = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            if send.send((Instant::now(), bytes[..count].to_vec())).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (when, bytes) in arrived {
            thread::sleep((when + away).saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}

async fn settle(store: &Store, agents: usize, grants: usize) {
    let now = store.now();
    let ada =
        Person { id: "ada".parse().unwrap(), display_name: "Ada".into(), roles: Default::default(), disabled: false };
    change(store, move |tx| Box::pin(async move { PrivilegeTx::of(tx).put_person(&ada, None).await })).await;
    for first in (0..agents).step_by(CHUNK) {
        change(store, move |tx| {
            Box::pin(async move {
                for number in first..(first + CHUNK).min(agents) {
                    let agent = Agent {
                        id: format!("agent-{number}").parse().unwrap(),
                        title: "An agent".into(),
                        owner: "ada".parse().unwrap(),
                        purpose: "to be many".into(),
                        kind: AgentKind::Autonomous,
                        client: format!("client-{number}").parse().unwrap(),
                        assurance: Assurance::Proven,
                        state: AgentState::Active,
                        created_at: now,
                        sponsor: None,
                        eligible_only: false,
                    };
                    PrivilegeTx::of(tx).put_agent(&agent).await?;
                    for server in 0..grants {
                        let server: model::Id<model::Server> = format!("s{server}").parse().unwrap();
                        let grant = Grant {
                            id: crypto::mint(),
                            agent: agent.id.clone(),
                            person: None,
                            scopes: format!("{server}:low").parse().unwrap(),
                            server,
                            created_at: now,
                            not_after: now.after(Span::from_minutes(60 * 24)),
                            ended_at: None,
                        };
                        PrivilegeTx::of(tx).put_grant(&grant).await?;
                    }
                }
                Ok(())
            })
        })
        .await;
    }
}

async fn change<F>(store: &Store, work: F)
where
    F: for<'t> FnOnce(
            &'t mut store::Tx<'_>,
        ) -> std::pin::Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 't>>
        + Send
        + 'static,
{
    let changed = store.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            work(tx).await?;
            Ok(Commit::with(examples::any(), ()))
        })
    });
    changed.await.unwrap();
}

async fn measure(store: &Store, grants: usize) {
    let (stop, longest) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let others = tokio::spawn({
        let (store, stop, longest) = (store.clone(), stop.clone(), longest.clone());
        async move {
            while !stop.load(Ordering::Relaxed) {
                let began = Instant::now();
                store.record(examples::call_decided("a").by(Actor::System)).await.unwrap();
                longest.fetch_max(began.elapsed().as_micros() as u64, Ordering::Relaxed);
            }
        }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = longest.swap(0, Ordering::Relaxed);
    let began = Instant::now();
    revoke(store, &Target::Person("ada".parse().unwrap()), Actor::Operator, "a measurement").await.unwrap();
    store.wait_until_everywhere().await.unwrap();
    let acknowledged = began.elapsed();
    let ends = write_ends(store).await.unwrap();
    let written = began.elapsed();
    stop.store(true, Ordering::Relaxed);
    others.await.unwrap();
    assert_eq!(ends.grants, grants as u64);
    let millis = |micros: u64| format!("{:.1} ms", micros as f64 / 1000.0);
    println!(
        "{grants:>9} grants     {:>14} {:>14} {:>24} {:>10}",
        millis(acknowledged.as_micros() as u64),
        millis(written.as_micros() as u64),
        millis(longest.load(Ordering::Relaxed)),
        millis(before),
    );
}
