//! What somebody reads in the log of a node whose store is away: when it began, that it lasts, and when it is over.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use portcullis_world::{Callers, Postgres, World, WorldConfig, skipped};

use crate::{agent, disk::SmallDisk, say, until_readiness_is};

/// Long enough for the line at the start and two more.
const AWAY: Duration = Duration::from_secs(22);

/// How many lines the log has of each event, from line `from` on; an event that nobody named is its text.
fn lines(world: &World, from: usize) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in world.portcullis.log().lines().skip(from) {
        let parsed: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        let event = parsed["event"].as_str().or(parsed["fields"]["event"].as_str()).unwrap_or(line).to_owned();
        *counts.entry(event).or_default() += 1;
    }
    counts
}

/// With calls all the time: of each kind of failure three lines, and one when it is over.
async fn is_said(
    world: &World,
    what: &str,
    stops: impl AsyncFnOnce(),
    starts: impl AsyncFnOnce(),
) -> BTreeMap<String, usize> {
    let callers = Callers::of(&agent(world, "nightly").await, 2);
    callers.until_accepted_after(Instant::now()).await;
    let before = world.portcullis.log().lines().count();
    stops().await;
    let began = Instant::now();
    callers.until_answered(503, began).await;
    // Agents that want tokens and people that want pages are there as well.
    while began.elapsed() < AWAY {
        let _ = world.token_of("weekly", "tickets").await;
        let _ = world.visit(&format!("{}/me", world.url())).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let away = lines(world, before);
    starts().await;
    until_readiness_is(200, world.url()).await;
    callers.until_accepted_after(Instant::now()).await;
    let all = lines(world, before);
    say(&format!("{what}: {:?}; {all:?}", callers.answers()));
    // What goes again for a moment, because a log was moved and left room, begins anew when it ends.
    let anew = away.get("store_commits").copied().unwrap_or(0);
    for (event, count) in &away {
        let most = match event.as_str() {
            // Refusals have a pace of their own.
            "call_refused" => 50,
            // Each has an incident that somebody was told, until the node knows that its store is silent.
            "token_failed" => 20,
            _ => 3 + anew,
        };
        assert!(*count <= most, "{what}: `{event}` {count} times in {AWAY:?}: {}", world.portcullis.log());
    }
    all
}

/// Field: H11
#[tokio::test]
async fn a_database_server_that_is_away_is_said_at_the_start_every_ten_seconds_and_at_the_end() {
    let Some(postgres) = Postgres::start().await else { return skipped("PostgreSQL is not installed") };
    let world = World::start_with(WorldConfig { store: Some(postgres.url()), ..WorldConfig::default() }).await;
    let postgres = tokio::sync::Mutex::new(postgres);
    let said = is_said(
        &world,
        "a server that is away",
        async || postgres.lock().await.stop().await,
        async || postgres.lock().await.start_again().await,
    );
    let said = said.await;
    assert_eq!(said.get("store_silent"), Some(&3), "{said:?}");
    assert_eq!(said.get("store_back"), Some(&1), "{said:?}");
    assert!(said.get("commit_failed").is_some_and(|count| *count <= 3), "{said:?}");
    assert_eq!(said.get("store_commits"), Some(&1), "{said:?}");
}

/// Field: H11, N9
#[tokio::test]
async fn a_full_disk_is_said_at_the_start_every_ten_seconds_and_at_the_end() {
    let Some(disk) = SmallDisk::mount() else { return skipped("nobody but root mounts a file system of a few MiB") };
    let data_dir = Some(disk.path().join("data"));
    let world = World::start_with(WorldConfig { data_dir, ..WorldConfig::default() }).await;
    let said = is_said(&world, "a full disk", async || disk.fill(), async || disk.make_room()).await;
    assert_eq!(said.get("store_silent"), Some(&3), "{said:?}");
    assert_eq!(said.get("store_back"), Some(&1), "{said:?}");
    assert!(said.get("store_commits").is_some_and(|count| (1..=2).contains(count)), "{said:?}");
}
