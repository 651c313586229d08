//! Faults around real processes, and what is accepted meanwhile.
//!
//! Whatever stops, hangs, goes away or comes back as it was before: from the moment that a revocation was acknowledged
//! nobody accepts a call of who was revoked, and a call that was answered is in the log. Each test breaks one thing.
//! In `cargo xtask test` it does so once or twice, in `cargo xtask torture` many times.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod disk;
mod failover;
mod hand;
mod hang;
mod outage;
mod partition;
mod put_back;
mod server;

use std::time::{Duration, Instant};

use portcullis_world::{Callers, Finished, Portcullis, Raw, World};

/// `limits.store_silence`, as it is when nobody says otherwise.
const SILENCE: Duration = Duration::from_secs(1);
/// What must not take for ever takes no longer than this.
const BOUND: Duration = Duration::from_secs(10);

/// How often something is tried: here, or in a run that is there for nothing else.
fn rounds(here: usize, alone: usize) -> usize {
    if std::env::var_os("PORTCULLIS_TORTURE").is_some() { alone } else { here }
}

/// Revokes `nightly`. When this returns, it was acknowledged.
async fn revoked(node: &Portcullis) -> Instant {
    revoke(node).await.succeeded();
    Instant::now()
}

async fn revoke(node: &Portcullis) -> Finished {
    node.run(&["revoke", "agent", "nightly", "--reason", "a drill"]).await
}

/// Lifts the block again, for another round.
async fn restored(world: &World) {
    world.run(&["restore", "agent", "nightly", "--reason", "the drill is over"]).await.succeeded();
}

/// A token; after a restoration not before the second of the revocation is over.
async fn token(world: &World, agent: &str) -> String {
    for _ in 0..600 {
        if let Ok(token) = world.token_of(agent, "tickets").await {
            return token;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no token for {agent}: {}", world.portcullis.log())
}

/// A caller of `agent` at the first node.
async fn agent(world: &World, name: &str) -> Raw {
    world.raw("tickets", &token(world, name).await)
}

/// What `/readyz` answers.
async fn readiness(url: &str) -> u16 {
    let client = reqwest::Client::builder().no_proxy().timeout(BOUND).build().unwrap();
    client.get(format!("{url}/readyz")).send().await.map_or(0, |answer| answer.status().as_u16())
}

/// Waits until `/readyz` answers with `status`, without an opinion on how long it takes.
async fn until_readiness_is(status: u16, url: &str) {
    for _ in 0..600 {
        if readiness(url).await == status {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{url} never said {status}");
}

/// Counts what was accepted after `acknowledged`: nothing.
fn nothing_is_stale(what: &str, callers: &[&Callers], acknowledged: Instant) {
    let asked: usize = callers.iter().map(|callers| callers.asked_after(acknowledged)).sum();
    let stale: usize = callers.iter().map(|callers| callers.accepted_after(acknowledged)).sum();
    say(&format!("{what}: {stale} stale accepts of {asked} calls after the acknowledgement"));
    assert_eq!(stale, 0, "{what}: of {asked} calls");
}

/// Every call that was carried out is in the log, and the log is whole.
async fn the_log_has(world: &World, accepted: usize, what: &str) {
    world.run(&["audit", "verify"]).await.succeeded();
    let log = world.run(&["audit", "tail", "--json", "--lines", "1000000"]).await.succeeded();
    let recorded = log.matches(r#""call_decided""#).count();
    say(&format!("{what}: {accepted} calls were carried out, {recorded} decisions are in the log"));
    assert!(recorded >= accepted, "{what}: {accepted} calls were carried out, {recorded} are in the log");
}

/// A start that has to be refused, and what it says.
async fn does_not_start(config: &std::path::Path) -> String {
    let mut started = Portcullis::begin(config, &[]);
    let status = started.ended().await;
    assert!(!status.success(), "it ended with {status}: {}", started.log());
    started.log()
}

#[expect(clippy::print_stderr, reason = "figures of a run")]
fn say(what: &str) {
    eprintln!("torture: {what}");
}
