//! What one token of a declared agent costs, through the router and on SQLite.
//!
//! It includes the assertion's signature, which is the agent's work, and the durable record. `sign_assertion` says
//! how much of it is the agent's.

#![allow(clippy::unwrap_used, reason = "a benchmark that can not be set up has failed")]
#![allow(dead_code, reason = "the tests use the rest of the world")]

#[path = "../tests/spec/world/mod.rs"]
mod world;

use std::sync::LazyLock;

use divan::{Bencher, counter::ItemsCount};
use tokio::runtime::Runtime;
use world::{ISSUER, World};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());
static WORLD: LazyLock<World> = LazyLock::new(|| RUNTIME.block_on(World::start()));

fn main() {
    divan::main();
}

#[divan::bench]
fn sign_assertion(bencher: Bencher) {
    bencher.bench(|| WORLD.key.sign_assertion("nightly", ISSUER, WORLD.store.now()));
}

#[divan::bench]
fn client_credentials_token(bencher: Bencher) {
    RUNTIME.block_on(WORLD.as_agent(&[])).granted();
    bencher.bench(|| assert!(RUNTIME.block_on(WORLD.as_agent(&[])).status.is_success()));
}

/// Eight agents' worth of requests at a time: they share commits.
#[divan::bench]
fn client_credentials_token_8_at_once(bencher: Bencher) {
    bencher.counter(ItemsCount::new(8_u64)).bench(|| {
        RUNTIME.block_on(async {
            let requests = (0..8).map(|_| WORLD.agent_request(&[])).collect();
            let answers = WORLD.send_at_once(requests).await;
            assert!(answers.iter().all(|(status, _)| status.is_success()));
        });
    });
}

/// What a stranger's junk costs: no commit.
#[divan::bench]
fn refused_stranger(bencher: Bencher) {
    let junk = [("grant_type", "refresh_token"), ("client_id", "stranger")];
    bencher.bench(|| RUNTIME.block_on(WORLD.token(&junk)).status);
}
