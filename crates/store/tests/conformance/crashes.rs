//! What was acknowledged survives: a killed process, a server that drops everybody.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::Arc,
};

use model::{Span, SystemClock, config::StoreUrl};
use store::{OpenOptions, Store, VerifyOptions, verify};

use crate::place::{Place, event};

on_both!(everything_acknowledged_survives_a_kill, a_server_that_drops_everybody_is_come_back_to);

const CHILD: &str = "PORTCULLIS_TEST_STORE_CHILD";

/// Not a test of its own: the process that is killed. It says the index of every record once it is durable.
#[tokio::test]
async fn child() {
    let Ok(place) = std::env::var(CHILD) else { return };
    let (directory, url) = place.split_once(' ').unwrap();
    let options = OpenOptions {
        url: StoreUrl::try_from(url.to_owned()).unwrap(),
        data_dir: directory.into(),
        origin: "mcp.acme.example/audit".into(),
        clock: Arc::new(SystemClock),
        node: None,
        store_silence: Span::from_seconds(2),
        missing: store::Missing::IsMade,
    };
    let store = Store::open(options).await.unwrap();
    let forever = (0..16).map(|_| async {
        loop {
            let index = store.record(event()).await.unwrap();
            eprintln!("durable {index}");
        }
    });
    futures_util::future::join_all(forever).await;
}

async fn everything_acknowledged_survives_a_kill(place: &Place) {
    place.open().await.close().await;
    let directory = place.directory.path().join("data");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crashes::child", "--nocapture"])
        .env(CHILD, format!("{} {}", directory.display(), place.url.expose()))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let durable = said.filter_map(|line| line.strip_prefix("durable ").and_then(|index| index.parse::<u64>().ok()));
    let highest = durable.take(300).max().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();

    let store = place.open().await;
    assert!(store.log_size().await.unwrap() > highest);
    store.record(event()).await.unwrap();
    verify(&place.url, &directory, VerifyOptions::default()).await.unwrap();
}

async fn a_server_that_drops_everybody_is_come_back_to(place: &Place) {
    if place.url.sqlite_directory().is_some() {
        return;
    }
    let store = place.open_as(Some("one")).await.unwrap();
    store.count_people().await.unwrap();
    place
        .tamper(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
    store.record(event()).await.unwrap();
    // One reader may find out the hard way.
    let _ = store.count_people().await;
    store.count_people().await.unwrap();
    store.wait_until_everywhere().await.unwrap();
    store.freshness().unwrap();
}
