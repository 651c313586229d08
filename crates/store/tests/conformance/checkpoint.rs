//! What was committed gets into the file of a SQLite database beside the writer.

use std::{fs, time::Duration};

use sqlx::{AnyConnection, Connection, query_scalar};
use store::{Commit, StoreError};

use crate::place::{Place, event};

/// Left alone it would stay in the log until that has a thousand pages, and be moved while everybody waits for a commit.
///
/// Field: N2
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_committed_gets_into_the_file_while_the_store_is_open_and_the_log_is_short() {
    let place = Place::sqlite();
    let store = place.open().await;
    for _ in 0..16 {
        let change = store.write::<_, StoreError, _>(|_| Box::pin(async { Ok(Commit::with(event(), ())) }));
        change.await.unwrap();
    }
    let size = store.log_size().await.unwrap() as i64;
    let alone = place.directory.path().join("alone.db");
    let moved = async {
        loop {
            fs::copy(place.file("portcullis.db"), &alone).unwrap();
            // A file that is being written may not be readable at that moment.
            let read = async {
                let mut file = AnyConnection::connect(&format!("sqlite://{}?immutable=1", alone.display())).await?;
                query_scalar::<_, i64>("SELECT size FROM audit_head").fetch_one(&mut file).await
            };
            // The last few wait for company.
            if read.await.is_ok_and(|there| there + 8 > size) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), moved).await.expect("it is in the write-ahead log alone");
    store.close().await;
}
