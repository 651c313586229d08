//! What a start checks of the file it opens: it refuses one that is damaged, says what is wrong and what to do.

use std::{
    fs,
    os::unix::fs::{FileExt, PermissionsExt},
    path::PathBuf,
};

use model::{Block, Target, config::StoreUrl};
use sqlx::{Connection, Row, query};
use store::{Commit, OpenError, OpenOptions, Store, StoreError, privilege::PrivilegeTx};

use crate::place::{Place, event, settle};

async fn block(store: &Store) {
    let block = Block {
        target: Target::Agent("scribe".parse().unwrap()),
        at: store.now(),
        reason: "a drill".into(),
        lifted_at: None,
    };
    store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                PrivilegeTx::of(tx).put_block(&block).await?;
                Ok(Commit::with(event(), ()))
            })
        })
        .await
        .unwrap();
}

/// Whatever page is overwritten, of a table or of an index, but those of the log, which has hashes of its own.
///
/// Field: N6
#[tokio::test]
async fn a_table_or_an_index_whose_pages_were_overwritten_is_not_started_on() {
    let place = Place::sqlite();
    let store = place.open_as(Some("one")).await.unwrap();
    settle(&store).await;
    block(&store).await;
    store.close().await;
    let mut connection = place.connect().await;
    let pages = query("SELECT name, rootpage FROM sqlite_master WHERE rootpage > 1 AND tbl_name NOT LIKE 'audit_%'");
    let pages: Vec<(String, i64)> = pages
        .fetch_all(&mut connection)
        .await
        .unwrap()
        .iter()
        .map(|row| (row.get::<String, _>(0), row.get::<i64, _>(1)))
        .collect();
    connection.close().await.unwrap();
    assert!(pages.len() > 30 && pages.iter().any(|(name, _)| name == "sqlite_autoindex_block_1"), "{pages:?}");
    let file = fs::OpenOptions::new().read(true).write(true).open(place.file("portcullis.db")).unwrap();
    for (name, page) in pages {
        let at = (page as u64 - 1) * 4096;
        let mut before = [0; 8];
        file.read_exact_at(&mut before, at).unwrap();
        file.write_all_at(&[0x5a; 8], at).unwrap();
        let refused = place.open_as(Some("one")).await.map(drop).unwrap_err().to_string();
        assert!(refused.contains("damaged") && refused.contains("restore the newest backup"), "{name}: {refused}");
        file.write_all_at(&before, at).unwrap();
    }
    place.open_as(Some("one")).await.unwrap();
}

/// What is on disk when a node is killed, in another directory.
fn as_if_killed(place: &Place, name: &str) -> OpenOptions {
    let directory: PathBuf = place.directory.path().join(name);
    fs::create_dir(&directory).unwrap();
    for file in ["portcullis.db", "portcullis.db-wal", "audit.head", "audit.vkey", "master.key"] {
        fs::copy(place.file(file), directory.join(file)).unwrap();
    }
    OpenOptions { url: StoreUrl::sqlite_in(&directory), data_dir: directory, ..place.options(Some("one")) }
}

/// A revocation is acknowledged, the node is killed, and the write-ahead log does not survive as it was.
///
/// Field: N6
#[tokio::test]
async fn a_write_ahead_log_that_was_lost_or_broken_after_a_kill_is_missed() {
    for is_checkpointed in [false, true] {
        let place = Place::sqlite();
        let store = place.open_as(Some("one")).await.unwrap();
        settle(&store).await;
        if is_checkpointed {
            place.tamper("PRAGMA wal_checkpoint(TRUNCATE)").await;
        }
        block(&store).await;
        store.wait_until_everywhere().await.unwrap();
        let whole = as_if_killed(&place, "whole");
        let opened = Store::open(whole).await.unwrap();
        assert_eq!(opened.blocks().len(), 1);
        let wal = |options: &OpenOptions| options.data_dir.join("portcullis.db-wal");
        let lost = as_if_killed(&place, "lost");
        fs::remove_file(wal(&lost)).unwrap();
        let broken = as_if_killed(&place, "broken");
        let file = fs::OpenOptions::new().write(true).open(wal(&broken)).unwrap();
        // In the first frame, behind the head of the log and that of the frame.
        file.write_all_at(&[0x5a; 8], 32 + 24 + 100).unwrap();
        let cut = as_if_killed(&place, "cut");
        fs::OpenOptions::new().write(true).open(wal(&cut)).unwrap().set_len(32 + 24 + 2000).unwrap();
        for options in [lost, broken, cut] {
            let what = options.data_dir.display().to_string();
            let refused = Store::open(options).await.map(drop).unwrap_err();
            let is_known = matches!(refused, OpenError::LogCut { .. } | OpenError::DatabaseGone { .. });
            assert!(is_known && refused.to_string().to_lowercase().contains("restore"), "{what}: {refused}");
        }
    }
}

/// Field: N16
#[tokio::test]
async fn what_others_can_read_or_change_is_named_with_what_to_do() {
    let place = Place::sqlite();
    let store = place.open_as(Some("one")).await.unwrap();
    let data_dir = place.file("");
    let exposed = || store::open_to_others(&data_dir, &place.url).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(exposed(), [""; 0], "nothing is made for others to see");
    let set = |name: &str, mode| fs::set_permissions(place.file(name), fs::Permissions::from_mode(mode)).unwrap();
    set("portcullis.db", 0o666);
    set("", 0o755);
    let found = exposed();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("can be read by others (mode 0755)"), "{}", found[0]);
    assert!(found[1].contains("portcullis.db` can be changed by others (mode 0666); run `chmod"), "{}", found[1]);
    // A group may be meant to read.
    set("portcullis.db", 0o640);
    set("", 0o750);
    assert_eq!(exposed(), [""; 0]);
    store.close().await;
}
