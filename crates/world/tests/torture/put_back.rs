//! A database that is put back to what it was before a revocation, under nodes that run.

use std::{fs, time::Instant};

use portcullis_world::{Callers, Postgres, World, WorldConfig, skipped};

use crate::{agent, does_not_start, nothing_is_stale, revoked, rounds, say, token};

/// The file of SQLite, and what it has not moved into it yet.
const FILES: [&str; 2] = ["portcullis.db-wal", "portcullis.db"];

/// Field: N5, N6, N11
#[tokio::test]
async fn a_file_from_before_a_revocation_ends_the_node_and_is_not_started_until_somebody_decides() {
    for _ in 0..rounds(1, 4) {
        let mut world = World::start().await;
        let callers = Callers::of(&agent(&world, "nightly").await, 3);
        callers.until_accepted_after(Instant::now()).await;
        let data_dir = world.data_dir();
        let file = |name: &str| data_dir.join(name);
        // Nothing moves while the copy is made.
        world.portcullis.signal("STOP");
        for name in FILES {
            fs::copy(file(name), file(&format!("{name}.copy"))).unwrap();
        }
        world.portcullis.signal("CONT");
        let acknowledged = revoked(&world.portcullis).await;
        callers.until_answered(401, acknowledged).await;

        for name in FILES {
            fs::rename(file(&format!("{name}.copy")), file(name)).unwrap();
        }
        let put_back = Instant::now();
        let _ = fs::remove_file(file("portcullis.db-shm"));
        let status = world.portcullis.ended().await;
        assert!(!status.success(), "it ended with {status}");
        say(&format!("a file that was put back: {status} after {:?}", put_back.elapsed()));
        nothing_is_stale("a file that was put back", &[&callers], acknowledged);
        drop(callers);

        let said = does_not_start(&world.config_file()).await;
        assert!(said.contains("an older backup was restored"), "{said}");
        assert!(!world.run(&["revoked"]).await.status.success(), "a command works on it without a word");

        // The loss is known and accepted.
        fs::rename(file("audit.head"), world.config_file().with_file_name("evidence")).unwrap();
        world.kill_and_restart().await;
        let accepted = Callers::of(&agent(&world, "weekly").await, 1);
        accepted.until_accepted_after(put_back).await;
    }
}

/// What a failover to a standby that lagged, or a backup that was put back, makes of the database.
const KEEP: &str = "CREATE TABLE kept_head AS SELECT * FROM audit_head; CREATE TABLE kept_epoch AS SELECT * FROM epoch";
const PUT_BACK: &str = "BEGIN; LOCK TABLE audit_head; DELETE FROM block; DELETE FROM epoch;
    INSERT INTO epoch SELECT * FROM kept_epoch;
    DELETE FROM audit_batch WHERE first_seq >= (SELECT size FROM kept_head);
    UPDATE audit_head SET (size, frontier, checkpoint, changed_at) =
        (SELECT size, frontier, checkpoint, changed_at FROM kept_head);
    DROP TABLE kept_head; DROP TABLE kept_epoch; COMMIT";

/// Field: N1, N6, N11
#[tokio::test]
async fn rows_from_before_a_revocation_end_every_node_that_saw_it_and_none_starts_until_somebody_decides() {
    let Some(postgres) = Postgres::start().await else { return skipped("PostgreSQL is not installed") };
    for _ in 0..rounds(1, 4) {
        postgres.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
        let store = Some(postgres.url());
        let mut world = World::start_with(WorldConfig { store, ..WorldConfig::default() }).await;
        let mut node = world.another_machine(None).await;
        let nightly = token(&world, "nightly").await;
        postgres.sql(KEEP).await;
        // One node is idle, and has to see it all the same.
        let callers = Callers::of(&node.raw("tickets", &nightly), 2);
        callers.until_accepted_after(Instant::now()).await;
        let acknowledged = revoked(&world.portcullis).await;
        callers.until_answered(401, acknowledged).await;

        postgres.sql(PUT_BACK).await;
        let put_back = Instant::now();
        for process in [&mut world.portcullis, &mut node.portcullis] {
            let status = process.ended().await;
            assert!(!status.success(), "it ended with {status}");
        }
        say(&format!("rows that were put back: both ended after {:?}", put_back.elapsed()));
        nothing_is_stale("rows that were put back", &[&callers], acknowledged);
        drop(callers);

        for config in [world.config_file(), node.portcullis.config().to_owned()] {
            let said = does_not_start(&config).await;
            assert!(said.contains("an older backup was restored"), "{said}");
        }
        // The loss is accepted on one machine, and the history goes on; the other one still says no.
        fs::remove_file(world.data_dir().join("audit.head")).unwrap();
        world.kill_and_restart().await;
        let others = Callers::of(&agent(&world, "weekly").await, 1);
        others.until_accepted_after(put_back).await;
        does_not_start(node.portcullis.config()).await;
    }
}
