//! A real standby, and ways of coming to act on the wrong server.

use std::time::Instant;

use portcullis_world::{Callers, Forwarder, Postgres, World, WorldConfig, skipped};

use crate::{agent, does_not_start, nothing_is_stale, revoked, rounds, say, token, until_readiness_is};

/// A primary, a standby that is fed through a way of its own, and the first node, on the primary.
struct Pair {
    primary: Postgres,
    standby: Postgres,
    feed: Forwarder,
    way: Forwarder,
    world: World,
}

impl Pair {
    async fn start() -> Option<Self> {
        let primary = Postgres::start().await?;
        let feed = Forwarder::to(primary.port()).await;
        let standby = primary.standby(feed.port()).await;
        let way = Forwarder::to(primary.port()).await;
        let store = Some(Postgres::url_through(&way));
        let world = World::start_with(WorldConfig { store, ..WorldConfig::default() }).await;
        Some(Self { primary, standby, feed, way, world })
    }
}

/// Field: N1, N11
#[tokio::test]
async fn a_failover_that_loses_a_revocation_ends_every_node_that_saw_it() {
    for _ in 0..rounds(1, 3) {
        let Some(mut pair) = Pair::start().await else { return skipped("PostgreSQL is not installed") };
        let mut node = pair.world.another_machine(None).await;
        let nightly = token(&pair.world, "nightly").await;
        let callers = Callers::of(&node.raw("tickets", &nightly), 2);
        callers.until_accepted_after(Instant::now()).await;
        pair.primary.until_at(&pair.standby).await;

        pair.feed.cut();
        let acknowledged = revoked(&pair.world.portcullis).await;
        callers.until_answered(401, acknowledged).await;
        pair.primary.stop().await;
        pair.standby.promote().await;
        pair.way.lead_to(pair.standby.port());

        let lost = Instant::now();
        for process in [&mut pair.world.portcullis, &mut node.portcullis] {
            let status = process.ended().await;
            assert!(!status.success(), "it ended with {status}");
        }
        say(&format!("a failover that loses a revocation: both ended after {:?}", lost.elapsed()));
        nothing_is_stale("a failover that loses a revocation", &[&callers], acknowledged);
        for config in [pair.world.config_file(), node.portcullis.config().to_owned()] {
            let said = does_not_start(&config).await;
            assert!(said.contains("an older backup was restored"), "{said}");
        }
    }
}

/// Field: N4
#[tokio::test]
async fn a_node_whose_database_is_a_standby_answers_nobody() {
    let Some(pair) = Pair::start().await else { return skipped("PostgreSQL is not installed") };
    let way = Forwarder::to(pair.primary.port()).await;
    let node = pair.world.another_machine(Some(&Postgres::url_through(&way))).await;
    for _ in 0..rounds(1, 4) {
        let nightly = token(&pair.world, "nightly").await;
        let callers = Callers::of(&node.raw("tickets", &nightly), 2);
        callers.until_accepted_after(Instant::now()).await;

        way.lead_to(pair.standby.port());
        until_readiness_is(503, &node.url()).await;
        let asked = Instant::now();
        let acknowledged = revoked(&pair.world.portcullis).await;
        say(&format!("a node on a standby: `revoke` took {:?}", acknowledged - asked));
        callers.until_answered(503, acknowledged).await;
        way.lead_to(pair.primary.port());
        callers.until_answered(401, acknowledged).await;
        nothing_is_stale("a node on a standby", &[&callers], acknowledged);
        crate::restored(&pair.world).await;
    }
}

/// Replication has to be synchronous for that; otherwise the old primary has to be fenced off.
///
/// Field: N4
#[tokio::test]
async fn a_node_that_is_left_at_the_old_primary_of_a_split_answers_nobody() {
    for _ in 0..rounds(1, 3) {
        let Some(mut pair) = Pair::start().await else { return skipped("PostgreSQL is not installed") };
        let way = Forwarder::to(pair.primary.port()).await;
        let node = pair.world.another_machine(Some(&Postgres::url_through(&way))).await;
        pair.primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'").await;
        pair.primary.sql("SELECT pg_reload_conf()").await;
        let nightly = token(&pair.world, "nightly").await;
        let weekly = token(&pair.world, "weekly").await;
        let callers = Callers::of(&node.raw("tickets", &nightly), 2);
        let others_there = Callers::of(&node.raw("tickets", &weekly), 1);
        callers.until_accepted_after(Instant::now()).await;
        pair.primary.until_at(&pair.standby).await;

        pair.feed.cut();
        pair.standby.promote().await;
        pair.way.lead_to(pair.standby.port());
        // The one goes on at the new primary, the other one is left at the old.
        until_readiness_is(503, &node.url()).await;
        let others = Callers::of(&agent(&pair.world, "weekly").await, 1);
        let acknowledged = revoked(&pair.world.portcullis).await;
        others.until_accepted_after(acknowledged).await;
        callers.until_answered(503, acknowledged).await;

        // Led to the new one it goes on, with the revocation.
        way.lead_to(pair.standby.port());
        callers.until_answered(401, acknowledged).await;
        others_there.until_accepted_after(acknowledged).await;
        nothing_is_stale("a node at the old primary", &[&callers], acknowledged);

        // And who saw the revocation does not go back to where it never was.
        pair.way.lead_to(pair.primary.port());
        let status = pair.world.portcullis.ended().await;
        assert!(!status.success(), "it ended with {status}");
    }
}
