//! A node acts on one history of one store. When that is not there any more it answers nobody, and says so.

use std::{fs, sync::Arc, time::Duration};

use audit::Checkpoint;
use model::{Block, Clock, ManualClock, Span, SystemClock, Target, Timestamp};
use store::{Commit, OpenError, OpenOptions, Store, StoreError, StoreSilent, privilege::PrivilegeTx};

use crate::place::{Place, START, event, saying};

on_both!(
    a_node_whose_revocation_was_taken_back_answers_nobody,
    a_revocation_after_one_that_was_taken_back_is_not_acknowledged_by_its_number,
    a_log_that_got_shorter_under_an_idle_node_closes_it,
    what_is_acknowledged_is_in_the_last_head_already,
    a_schema_that_moved_under_a_node_closes_it,
    the_file_deny_all_stops_a_node_until_it_is_gone,
    time_does_not_go_back_with_the_clock_of_another_node,
    a_clock_behind_the_last_change_elevates_and_issues_nothing_and_stops_nobody,
    a_commit_that_fails_is_seen_until_one_goes_through,
    a_node_without_work_is_not_ready_while_an_outsider_holds_the_head,
);

async fn block(store: &Store, target: Target) {
    let block = Block { target, at: store.now(), reason: "a drill".into(), lifted_at: None };
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

/// Waits, without an opinion on how long it takes.
async fn until(what: impl Fn() -> bool) {
    let reached = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), reached).await.expect("it never came");
}

async fn closes(store: &Store) {
    until(|| store.freshness() == Err(StoreSilent::Closed)).await;
    store.closed().await;
}

/// What a failover to a standby that lagged, or a backup that was put back, makes of the database.
const KEEP: &str = "CREATE TABLE kept_head AS SELECT * FROM audit_head; CREATE TABLE kept_epoch AS SELECT * FROM epoch";
const PUT_BACK: &str = "DELETE FROM block; DELETE FROM epoch; INSERT INTO epoch SELECT * FROM kept_epoch;
    DELETE FROM audit_batch WHERE first_seq >= (SELECT size FROM kept_head);
    UPDATE audit_head SET (size, frontier, checkpoint, changed_at) =
        (SELECT size, frontier, checkpoint, changed_at FROM kept_head)";

/// Field: N1
async fn a_node_whose_revocation_was_taken_back_answers_nobody(place: &Place) {
    let idle = place.open_as(Some("idle")).await.unwrap();
    place.tamper(KEEP).await;
    let visitor = place.open().await;
    block(&visitor, Target::Agent("janitor".parse().unwrap())).await;
    visitor.wait_until_everywhere().await.unwrap();
    assert_eq!(idle.blocks().len(), 1);
    place.tamper(PUT_BACK).await;
    closes(&idle).await;
}

/// The number of the epoch is the same again, and the state is not.
///
/// Field: N1
async fn a_revocation_after_one_that_was_taken_back_is_not_acknowledged_by_its_number(place: &Place) {
    let idle = place.open_as(Some("idle")).await.unwrap();
    place.tamper(KEEP).await;
    let visitor = place.open().await;
    block(&visitor, Target::Agent("janitor".parse().unwrap())).await;
    visitor.wait_until_everywhere().await.unwrap();
    visitor.close().await;
    let data_dir = place.directory.path().join("elsewhere");
    fs::create_dir(&data_dir).unwrap();
    fs::copy(place.file("master.key"), data_dir.join("master.key")).unwrap();
    place.tamper(PUT_BACK).await;
    let other = Store::open(OpenOptions { data_dir, ..place.options(None) }).await.unwrap();
    block(&other, Target::Agent("scribe".parse().unwrap())).await;
    other.wait_until_everywhere().await.unwrap();
    // It was waited for until it was known to answer nobody.
    idle.freshness().unwrap_err();
    closes(&idle).await;
}

/// Field: N1
async fn a_log_that_got_shorter_under_an_idle_node_closes_it(place: &Place) {
    let idle = place.open_as(Some("idle")).await.unwrap();
    place.tamper("UPDATE audit_head SET size = 0").await;
    closes(&idle).await;
}

/// Field: N6
async fn what_is_acknowledged_is_in_the_last_head_already(place: &Place) {
    let node = place.open_as(Some("one")).await.unwrap();
    let data_dir = place.directory.path().join("elsewhere");
    fs::create_dir(&data_dir).unwrap();
    fs::copy(place.file("master.key"), data_dir.join("master.key")).unwrap();
    let elsewhere = OpenOptions { data_dir: data_dir.clone(), ..place.options(Some("two")) };
    let other = Store::open(elsewhere).await.unwrap();
    block(&node, Target::All).await;
    node.wait_until_everywhere().await.unwrap();
    for directory in [place.file(""), data_dir] {
        let note = fs::read_to_string(directory.join("audit.head")).unwrap();
        let kept = Checkpoint::open(&note, node.log_origin(), &node.log_public_key()).unwrap();
        assert_eq!(kept.size, 3, "{}", directory.display());
    }
    other.close().await;
}

/// Field: N12
async fn a_schema_that_moved_under_a_node_closes_it(place: &Place) {
    let node = place.open_as(Some("one")).await.unwrap();
    place.tamper("UPDATE schema_version SET version = version + 1").await;
    closes(&node).await;
}

/// Field: N9
async fn the_file_deny_all_stops_a_node_until_it_is_gone(place: &Place) {
    let node = place.open_as(Some("one")).await.unwrap();
    fs::write(place.file("deny-all"), "").unwrap();
    until(|| node.freshness() == Err(StoreSilent::Denied)).await;
    fs::remove_file(place.file("deny-all")).unwrap();
    until(|| node.freshness().is_ok()).await;
}

/// Field: N8
async fn time_does_not_go_back_with_the_clock_of_another_node(place: &Place) {
    let store = place.open().await;
    let ahead = Arc::new(ManualClock::at(START.after(Span::from_minutes(60))));
    let other = OpenOptions { clock: ahead.clone() as Arc<dyn Clock>, ..place.options(None) };
    let other = Store::open(other).await.unwrap();
    other.record(event()).await.unwrap();
    let at = store.write::<_, StoreError, _>(|tx| {
        let now = tx.now();
        Box::pin(async move { Ok(Commit::with(event(), now)) })
    });
    assert_eq!(at.await.unwrap(), ahead.now());
    assert_eq!(store.now(), ahead.now());
}

/// A clock of the world that was set back by an hour.
#[derive(Debug)]
struct SetBack;

impl Clock for SetBack {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(SystemClock.now().micros() - 3_600_000_000)
    }

    fn is_wall(&self) -> bool {
        true
    }
}

/// Another node, or this one before, made a change an hour ahead of what its clock says now. What stands goes on, what is
/// more needs a time that is right, and whoever is to be stopped is stopped.
///
/// Field: N8
async fn a_clock_behind_the_last_change_elevates_and_issues_nothing_and_stops_nobody(place: &Place) {
    let node = OpenOptions { clock: Arc::new(SystemClock), ..place.options(Some("right")) };
    let right = Store::open(node).await.unwrap();
    let last = SystemClock.now();
    right.record(event()).await.unwrap();
    right.close().await;
    let node = Store::open(OpenOptions { clock: Arc::new(SetBack), ..place.options(Some("behind")) }).await.unwrap();
    until(|| node.freshness() == Err(StoreSilent::Clock)).await;
    if place.url.sqlite_directory().is_none() {
        // There is a clock to compare with, and it is more than two seconds away.
        assert_eq!(node.standing_freshness(), Err(StoreSilent::Clock));
    } else {
        assert_eq!(node.standing_freshness(), Ok(()));
    }
    assert!(node.now() >= last, "time does not go back");
    block(&node, Target::Agent("janitor".parse().unwrap())).await;
    node.wait_until_everywhere().await.unwrap();
    assert_eq!(node.blocks().len(), 1);
    assert!(node.blocks()[0].at >= last);
}

/// Field: S11
async fn a_commit_that_fails_is_seen_until_one_goes_through(place: &Place) {
    let store = place.open().await;
    assert!(store.commits());
    place.tamper("ALTER TABLE audit_batch RENAME TO audit_batch_gone").await;
    store.record(event()).await.unwrap_err();
    assert!(!store.commits());
    place.tamper("ALTER TABLE audit_batch_gone RENAME TO audit_batch").await;
    until(|| store.commits()).await;
    store.record(event()).await.unwrap();
}

/// The lease goes by another row, and says nothing about whether a call could be recorded.
///
/// Field: N10
async fn a_node_without_work_is_not_ready_while_an_outsider_holds_the_head(place: &Place) {
    let node = place.open_as(Some("one")).await.unwrap();
    node.record(event()).await.unwrap();
    assert!(node.commits());
    let mut outsider = place.connect().await;
    let hold = match place.url.sqlite_directory() {
        Some(_) => "BEGIN IMMEDIATE",
        None => "BEGIN; SELECT size FROM audit_head FOR UPDATE",
    };
    sqlx::raw_sql(hold).execute(&mut outsider).await.unwrap();
    until(|| !node.commits()).await;
    sqlx::raw_sql("ROLLBACK").execute(&mut outsider).await.unwrap();
    until(|| node.commits() && node.freshness().is_ok()).await;
    node.record(event()).await.unwrap();
}

/// Whatever this process wrote itself it knows as well as what it saw of others.
///
/// Field: N1
#[tokio::test]
async fn another_history_is_not_acted_on_however_many_epochs_it_has_and_whoever_wrote_the_revocation() {
    for (others, by_visitor) in [(1, false), (2, false), (2, true)] {
        let place = Place::sqlite();
        let node = place.open_as(Some("one")).await.unwrap();
        place.tamper("PRAGMA wal_checkpoint(TRUNCATE)").await;
        let elsewhere = place.directory.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        for file in ["portcullis.db", "master.key"] {
            fs::copy(place.file(file), elsewhere.join(file)).unwrap();
        }
        let revoker = if by_visitor { place.open().await } else { node.clone() };
        block(&revoker, Target::Agent("janitor".parse().unwrap())).await;
        revoker.wait_until_everywhere().await.unwrap();
        let url = model::config::StoreUrl::sqlite_in(&elsewhere);
        let other = OpenOptions { url, data_dir: elsewhere.clone(), ..place.options(None) };
        let other = Store::open(other).await.unwrap();
        for number in 0..others {
            // Equal records would make an equal log.
            other.record(saying(number)).await.unwrap();
            block(&other, Target::Agent(format!("scribe-{number}").parse().unwrap())).await;
        }
        other.close().await;
        let mut swap = format!("ATTACH '{}' AS c; BEGIN IMMEDIATE;", elsewhere.join("portcullis.db").display());
        for table in ["block", "epoch", "audit_batch", "audit_head", "audit_tile"] {
            swap += &format!("DELETE FROM main.{table}; INSERT INTO main.{table} SELECT * FROM c.{table};");
        }
        place.tamper(&(swap + "COMMIT")).await;
        closes(&node).await;
    }
}

/// Field: N1
#[tokio::test]
async fn a_revocation_that_was_lost_before_it_was_everywhere_is_not_acknowledged() {
    let place = Place::sqlite();
    let visitor = place.open().await;
    place.tamper(KEEP).await;
    block(&visitor, Target::All).await;
    place.tamper(PUT_BACK).await;
    let waited = visitor.wait_until_everywhere().await;
    assert!(matches!(waited, Err(StoreError::LogForked(_))), "{waited:?}");
}

/// Field: N5
#[tokio::test]
async fn a_database_file_that_was_deleted_or_replaced_closes_the_node_and_is_not_made_anew() {
    for replaced in [false, true] {
        let place = Place::sqlite();
        let node = place.open_as(Some("one")).await.unwrap();
        block(&node, Target::All).await;
        let (file, copy) = (place.file("portcullis.db"), place.file("copy"));
        if replaced {
            fs::copy(&file, &copy).unwrap();
            fs::rename(&copy, &file).unwrap();
        } else {
            fs::remove_file(&file).unwrap();
        }
        closes(&node).await;
        node.close().await;
        if !replaced {
            let opened = place.open_as(None).await;
            assert!(matches!(opened, Err(OpenError::DatabaseGone { .. })), "{opened:?}");
            assert!(!file.exists());
        }
    }
}

/// What was committed and is not in the file yet would be lost with it, and every next write too.
///
/// Field: N5
#[tokio::test]
async fn a_write_ahead_log_that_was_deleted_under_a_node_closes_it() {
    let place = Place::sqlite();
    let node = place.open_as(Some("one")).await.unwrap();
    until(|| place.file("portcullis.db-wal").exists()).await;
    block(&node, Target::All).await;
    node.wait_until_everywhere().await.unwrap();
    for log in ["portcullis.db-wal", "portcullis.db-shm"] {
        fs::remove_file(place.file(log)).unwrap();
    }
    closes(&node).await;
}

/// Field: N6
#[tokio::test]
async fn a_copy_from_before_a_revocation_is_not_started() {
    let place = Place::sqlite();
    let store = place.open().await;
    place.tamper("PRAGMA wal_checkpoint(TRUNCATE)").await;
    fs::copy(place.file("portcullis.db"), place.file("copy")).unwrap();
    block(&store, Target::All).await;
    // Nobody had the time to close anything.
    std::mem::forget(store);
    for log in ["portcullis.db-wal", "portcullis.db-shm"] {
        let _ = fs::remove_file(place.file(log));
    }
    fs::rename(place.file("copy"), place.file("portcullis.db")).unwrap();
    let opened = place.open_as(None).await;
    assert!(matches!(opened, Err(OpenError::LogCut { .. })), "{opened:?}");
}
