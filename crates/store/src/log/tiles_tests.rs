//! A log that grows while it is read.

use std::sync::Arc;

use model::{ManualClock, Span, Timestamp, config::StoreUrl, event::examples::any};

use super::*;
use crate::engine::{
    options::{Missing, OpenOptions},
    store::Store,
};

/// The tile was asked for when it was not full, and it is by the time its records are asked for.
#[tokio::test]
async fn a_tile_that_another_node_fills_while_it_is_read_is_no_gap() {
    let directory = tempfile::tempdir().unwrap();
    let options = OpenOptions {
        url: StoreUrl::sqlite_in(directory.path()),
        data_dir: directory.path().to_owned(),
        origin: "test/audit".into(),
        clock: Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000))),
        node: None,
        store_silence: Span::from_seconds(60),
        missing: Missing::IsMade,
    };
    let store = Store::open(options).await.unwrap();
    // To exactly full, and beyond.
    for size in [WIDTH, WIDTH + 44, 2 * WIDTH] {
        while store.log_size().await.unwrap() < size {
            store.record(any()).await.unwrap();
        }
        let mut reader = store.lend().await.unwrap();
        let full = rows::full_tile(reader.connection(), 0, 0).await.unwrap();
        assert_eq!(full.as_ref().map(Vec::len), Some(usize::from(TILE_WIDTH)));
        assert_eq!(partial_tile(reader.connection(), 0, 0).await.unwrap(), full, "{size}");
        assert_eq!(partial_tile(reader.connection(), 0, 7).await.unwrap(), None, "what is not there is not there");
        assert_eq!(partial_tile(reader.connection(), 40, 0).await.unwrap(), None);
    }
}
