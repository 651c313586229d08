//! What a hand or a clock does to one node.

use std::{fs, time::Instant};

use portcullis_world::{Callers, Postgres, World, WorldConfig, skipped};

use crate::{agent, nothing_is_stale, revoked, rounds, token, until_readiness_is};

/// Field: N9
#[tokio::test]
async fn the_file_deny_all_stops_a_node_from_within_its_data_directory_until_it_is_gone() {
    let world = World::start().await;
    let callers = Callers::of(&agent(&world, "nightly").await, 2);
    let deny_all = world.data_dir().join("deny-all");
    for _ in 0..rounds(1, 10) {
        callers.until_accepted_after(Instant::now()).await;
        fs::write(&deny_all, "").unwrap();
        until_readiness_is(503, world.url()).await;
        let denied = Instant::now();
        callers.until_answered(503, denied).await;
        nothing_is_stale("the file deny-all", &[&callers], denied);
        fs::remove_file(&deny_all).unwrap();
        until_readiness_is(200, world.url()).await;
    }
}

/// Field: N8
#[tokio::test]
async fn a_node_whose_clock_is_an_hour_off_answers_nobody_and_decides_nothing_for_the_others() {
    let Some(library) = faketime() else { return skipped("libfaketime is not installed") };
    let Some(postgres) = Postgres::start().await else { return skipped("PostgreSQL is not installed") };
    let store = Some(postgres.url());
    let world = World::start_with(WorldConfig { store, ..WorldConfig::default() }).await;
    for off in ["-1h", "+1h"] {
        let nightly = token(&world, "nightly").await;
        let others = Callers::of(&agent(&world, "weekly").await, 1);
        let environment = [
            ("LD_PRELOAD", library.clone()),
            ("FAKETIME", off.to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("DONT_FAKE_MONOTONIC", "1".to_owned()),
        ];
        let node = world.another_machine_with(&environment).await;
        until_readiness_is(503, &node.url()).await;
        let callers = Callers::of(&node.raw("tickets", &nightly), 2);
        let began = Instant::now();
        callers.until_answered(503, began).await;
        let acknowledged = revoked(&world.portcullis).await;
        callers.until_answered(503, acknowledged).await;
        assert_eq!(callers.accepted(), 0, "{off}: {:?}", callers.answers());
        nothing_is_stale(&format!("a clock at {off}"), &[&callers], acknowledged);
        // The others go on, with tokens that are good for as long as before.
        others.until_accepted_after(acknowledged).await;
        crate::restored(&world).await;
        others.until_accepted_after(Instant::now()).await;
    }
}

fn faketime() -> Option<String> {
    let libraries = fs::read_dir("/usr/lib").ok()?.flatten();
    let mut found = libraries.map(|entry| entry.path().join("faketime/libfaketimeMT.so.1"));
    found.find(|library| library.exists()).map(|library| library.display().to_string())
}
