//! A database server that holds a lock, goes away, or ends every session.

use std::time::{Duration, Instant};

use portcullis_world::{Callers, Postgres, World, WorldConfig, skipped};

use crate::{
    BOUND, agent, nothing_is_stale, readiness, restored, revoke, revoked, rounds, say, the_log_has, token,
    until_readiness_is,
};

async fn world_on(postgres: &Postgres) -> World {
    World::start_with(WorldConfig { store: Some(postgres.url()), ..WorldConfig::default() }).await
}

/// Field: N10
#[tokio::test]
async fn while_an_outsider_holds_the_head_of_the_log_everybody_is_answered_and_nobody_says_that_it_is_ready() {
    const HELD: &str = "BEGIN; SELECT 1 FROM audit_head FOR UPDATE; SELECT pg_sleep(9); ROLLBACK";
    let Some(postgres) = Postgres::start().await else { return skipped("PostgreSQL is not installed") };
    let world = world_on(&postgres).await;
    for _ in 0..rounds(1, 3) {
        let agent = agent(&world, "nightly").await;
        let callers = Callers::of(&agent, 4);
        callers.until_accepted_after(Instant::now()).await;

        let held = Instant::now();
        let outsider = postgres.sql(HELD);
        let meanwhile = async {
            callers.until_answered(503, held).await;
            until_readiness_is(503, world.url()).await;
            let not_ready = held.elapsed();
            let asked = Instant::now();
            let refused = revoke(&world.portcullis).await;
            // It says that it was not done, long before the outsider is gone.
            assert!(!refused.status.success() && asked.elapsed() < BOUND / 2, "{:?}: {refused:?}", asked.elapsed());
            (not_ready, refused, asked.elapsed())
        };
        let (_, (not_ready, refused, took)) = tokio::join!(outsider, meanwhile);
        say(&format!(
            "an outsider holds the head: not ready after {not_ready:?}; `revoke` ended with {} after {took:?}; nobody \
             waited longer than {:?}: {:?}",
            refused.status,
            callers.longest(),
            callers.answers()
        ));
        assert!(callers.longest() < BOUND);

        // It recovers by itself.
        until_readiness_is(200, world.url()).await;
        callers.until_accepted_after(Instant::now()).await;
        let acknowledged = revoked(&world.portcullis).await;
        callers.until_answered(401, acknowledged).await;
        nothing_is_stale("an outsider held the head", &[&callers], acknowledged);
        restored(&world).await;
    }
}

/// Field: N10
#[tokio::test]
async fn a_database_server_that_goes_away_takes_nothing_along_that_was_acknowledged() {
    let Some(mut postgres) = Postgres::start().await else { return skipped("PostgreSQL is not installed") };
    let world = world_on(&postgres).await;
    let node = world.another_machine(None).await;
    let others = Callers::of(&agent(&world, "weekly").await, 2);
    let others_there = Callers::of(&node.raw("tickets", &token(&world, "weekly").await), 2);
    let mut accepted = 0;
    for round in 0..rounds(1, 8) {
        let nightly = token(&world, "nightly").await;
        let callers = Callers::of(&node.raw("tickets", &nightly), 2);
        callers.until_accepted_after(Instant::now()).await;
        tokio::time::sleep(Duration::from_millis(37 * round as u64)).await;

        // Every other time a revocation is acknowledged just before.
        let before = if round % 2 == 1 { Some(revoked(&world.portcullis).await) } else { None };
        postgres.stop().await;
        let asked = Instant::now();
        let finished = revoke(&world.portcullis).await;
        assert!(!finished.status.success(), "nothing can be acknowledged without a store: {finished:?}");
        assert!(asked.elapsed() < BOUND, "`revoke` took {:?}", asked.elapsed());
        until_readiness_is(503, world.url()).await;
        until_readiness_is(503, &node.url()).await;
        postgres.start_again().await;

        let again = Instant::now();
        others.until_accepted_after(again).await;
        others_there.until_accepted_after(again).await;
        let acknowledged = match before {
            Some(before) => before,
            None => revoked(&world.portcullis).await,
        };
        callers.until_answered(401, Instant::now()).await;
        nothing_is_stale("a server that goes away", &[&callers], acknowledged);
        accepted += callers.accepted();
        restored(&world).await;
    }
    the_log_has(&world, accepted + others.accepted() + others_there.accepted(), "a server that goes away").await;
    assert!(others.longest() < BOUND && others_there.longest() < BOUND, "somebody waited too long");
}

/// Field: N10
#[tokio::test]
async fn a_server_that_ends_every_session_again_and_again_loses_no_call_and_no_revocation() {
    const END_ALL: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    let Some(postgres) = Postgres::start().await else { return skipped("PostgreSQL is not installed") };
    let world = world_on(&postgres).await;
    let node = world.another_machine(None).await;
    let others = Callers::of(&agent(&world, "weekly").await, 2);
    let (mut accepted, mut ended) = (0, 0);
    for _ in 0..rounds(1, 5) {
        let nightly = token(&world, "nightly").await;
        let callers = Callers::of(&node.raw("tickets", &nightly), 2);
        callers.until_accepted_after(Instant::now()).await;

        let began = Instant::now();
        let mut acknowledged = None;
        let ends = async {
            let mut ended = 0;
            while began.elapsed() < 3 * BOUND / 10 {
                ended += postgres.sql(END_ALL).await.parse::<usize>().unwrap();
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
            ended
        };
        let revokes = async {
            for _ in 0..50 {
                if revoke(&world.portcullis).await.status.success() {
                    acknowledged = Some(Instant::now());
                    break;
                }
            }
        };
        let (here, ()) = tokio::join!(ends, revokes);
        ended += here;
        let acknowledged = acknowledged.expect("an acknowledgement, at the latest when it is quiet again");
        let quiet = Instant::now();
        others.until_accepted_after(quiet).await;
        callers.until_answered(401, quiet).await;
        nothing_is_stale("a server that ends every session", &[&callers], acknowledged);
        accepted += callers.accepted();
        restored(&world).await;
    }
    say(&format!("a server that ends every session: {ended} sessions were ended; {:?}", others.answers()));
    the_log_has(&world, accepted + others.accepted(), "a server that ends every session").await;
    assert_eq!(readiness(&node.url()).await, 200);
}
