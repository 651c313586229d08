//! A node that hangs.

use std::time::{Duration, Instant};

use portcullis_world::{Callers, Postgres, World, WorldConfig, skipped};

use crate::{BOUND, SILENCE, agent, nothing_is_stale, restored, revoke, rounds, say, token};

/// How long after it was stopped a node goes on: after the acknowledgement, or around the moment when the others give
/// it up.
const GOES_ON: [Option<u64>; 8] = [Some(1050), None, Some(1100), Some(500), Some(1000), None, Some(1200), Some(950)];

/// Field: N3
#[tokio::test]
async fn a_node_that_is_stopped_while_it_writes_holds_up_nobody_and_accepts_nothing_of_who_was_revoked_meanwhile() {
    let Some(postgres) = Postgres::start().await else { return skipped("PostgreSQL is not installed") };
    let store = Some(postgres.url());
    let world = World::start_with(WorldConfig { store, ..WorldConfig::default() }).await;
    let node = world.another_machine(None).await;
    let others = Callers::of(&agent(&world, "weekly").await, 2);
    let others_there = Callers::of(&node.raw("tickets", &token(&world, "weekly").await), 1);
    let mut longest = Duration::ZERO;
    for round in 0..rounds(1, 16) {
        let token = token(&world, "nightly").await;
        let there = Callers::of(&node.raw("tickets", &token), 3);
        let here = Callers::of(&world.raw("tickets", &token), 1);
        let began = Instant::now();
        there.until_accepted_after(began).await;
        here.until_accepted_after(began).await;
        // At some moment of a transaction.
        tokio::time::sleep(Duration::from_micros(700 * round as u64)).await;

        node.portcullis.signal("STOP");
        let stopped = Instant::now();
        let goes_on = async {
            if let Some(after) = GOES_ON[round % GOES_ON.len()] {
                tokio::time::sleep(Duration::from_millis(after)).await;
                node.portcullis.signal("CONT");
            }
        };
        let (finished, ()) = tokio::join!(revoke(&world.portcullis), goes_on);
        let acknowledged = Instant::now();
        finished.succeeded();
        longest = longest.max(acknowledged - stopped);
        assert!(acknowledged - stopped < BOUND, "it took {:?}", acknowledged - stopped);
        // The other one goes on serving those who may.
        others.until_accepted_after(acknowledged).await;

        node.portcullis.signal("CONT");
        let continued = Instant::now();
        there.until_answered(401, continued).await;
        others_there.until_accepted_after(continued).await;
        nothing_is_stale("a node that is stopped", &[&here, &there], acknowledged);
        restored(&world).await;
    }
    assert!(others.longest() < BOUND, "somebody at the other node waited for {:?}", others.longest());
    say(&format!(
        "a node that is stopped: `revoke` took {longest:?} at most with a silence of {SILENCE:?}; at the other node \
         nobody waited longer than {:?}",
        others.longest()
    ));
}
