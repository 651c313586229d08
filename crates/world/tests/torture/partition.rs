//! A wire between one node and the database that loses everything, and tells nobody.

use std::time::{Duration, Instant};

use portcullis_world::{Callers, Postgres, Wires, World, WorldConfig, skipped};

use crate::{
    BOUND, SILENCE, agent, nothing_is_stale, restored, revoke, rounds, say, the_log_has, token, until_readiness_is,
};

/// How long after the revocation began the wire is cut: before it reached the database, in the middle of it, and while the
/// others wait for the node that is cut off.
const CUT_AFTER: [u64; 5] = [0, 5, 12, 25, 60];

/// The database is behind two wires: the first node uses the first one, a node on another machine the second.
///
/// Field: N3, N4
#[tokio::test]
async fn a_node_that_is_cut_off_without_a_word_holds_up_nobody_and_accepts_nothing_of_who_was_revoked_meanwhile() {
    let Some(wires) = Wires::lay(2) else { return skipped("network namespaces need root and `ip`") };
    let Some(postgres) = Postgres::start_behind(&wires).await else {
        return skipped("PostgreSQL is not installed");
    };
    let store = Some(postgres.url());
    let world = World::start_with(WorldConfig { store, ..WorldConfig::default() }).await;
    let node = world.another_machine(Some(&postgres.url_over(&wires, 1))).await;
    let others = Callers::of(&agent(&world, "weekly").await, 2);
    let others_there = Callers::of(&node.raw("tickets", &token(&world, "weekly").await), 2);
    let (mut accepted, mut longest) = (0, Duration::ZERO);
    for round in 0..rounds(1, 12) {
        let token = token(&world, "nightly").await;
        let there = Callers::of(&node.raw("tickets", &token), 3);
        let here = Callers::of(&world.raw("tickets", &token), 1);
        there.until_accepted_after(Instant::now()).await;
        here.until_accepted_after(Instant::now()).await;

        let asked = Instant::now();
        let cut = async {
            tokio::time::sleep(Duration::from_millis(CUT_AFTER[round % CUT_AFTER.len()])).await;
            wires.cut(1);
        };
        let (finished, ()) = tokio::join!(revoke(&world.portcullis), cut);
        let acknowledged = Instant::now();
        finished.succeeded();
        longest = longest.max(acknowledged - asked);
        assert!(acknowledged - asked < BOUND, "it took {:?}", acknowledged - asked);
        others.until_accepted_after(acknowledged).await;
        there.until_answered(503, acknowledged - Duration::from_millis(1)).await;
        until_readiness_is(503, &node.url()).await;

        wires.mend(1);
        let mended = Instant::now();
        others_there.until_accepted_after(mended).await;
        there.until_answered(401, mended).await;
        nothing_is_stale("a wire that loses everything", &[&here, &there], acknowledged);
        accepted += here.accepted() + there.accepted();
        restored(&world).await;
    }
    assert!(others.longest() < BOUND, "somebody at the other node waited for {:?}", others.longest());
    the_log_has(&world, accepted + others.accepted() + others_there.accepted(), "a wire that loses everything").await;
    say(&format!(
        "a wire that loses everything: `revoke` took {longest:?} at most with a silence of {SILENCE:?}; at the other node \
         nobody waited longer than {:?}",
        others.longest()
    ));
}
