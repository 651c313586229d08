//! A store of every released version comes up to date, by a step of its own, with what was in it.

use model::{ManualClock, Span, Timestamp, config::StoreUrl};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, raw_sql};

use super::MIGRATIONS;
use crate::{Missing, OpenError, OpenOptions, Store};

const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn options(directory: &std::path::Path, missing: Missing) -> OpenOptions {
    OpenOptions {
        url: StoreUrl::sqlite_in(directory),
        data_dir: directory.to_owned(),
        origin: "mcp.acme.example/audit".into(),
        clock: std::sync::Arc::new(ManualClock::at(START)),
        node: None,
        store_silence: Span::from_seconds(2),
        missing,
    }
}

/// A store with the tables of the first `version` migrations: ada, her agent, its grant, an elevation and a block.
async fn of_version(version: usize, directory: &std::path::Path) {
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}/portcullis.db?mode=rwc", directory.display());
    let mut connection = AnyConnection::connect(&url).await.unwrap();
    let mut run = async |sql: String| {
        raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    };
    run("CREATE TABLE schema_version (version BIGINT NOT NULL); INSERT INTO schema_version VALUES (0)".into()).await;
    run(MIGRATIONS[0].to_owned()).await;
    run(format!(
        "INSERT INTO person (id, display_name, roles, disabled) VALUES ('ada', 'Ada', '', 0);
         INSERT INTO agent VALUES ('scribe', 'A', 'ada', 'p', 'delegated', 'https://s.example/c', 'declared', 'active', {at});
         INSERT INTO agent_grant VALUES ('grt_1', 'scribe', 'ada', 'tickets', 'tickets:low', {at}, {end}, NULL);
         INSERT INTO elevation VALUES ('elv_1', 'grt_1', 'tickets.delete_ticket', 'approval', 'active', 'r', {at}, {end},
             'bob', {at}, 600, {end}, 5, 0);
         INSERT INTO refresh_token VALUES ('d1', 'ins_1', 'https://s.example/c', 'grt_1', 'tickets:low', 'r', {end}, 'current');
         INSERT INTO block VALUES ('agent', 'other', {at}, 'a drill', NULL)",
        at = START.micros(),
        end = START.after(Span::from_minutes(60)).micros(),
    ))
    .await;
    for migration in &MIGRATIONS[1..version] {
        run((*migration).to_owned()).await;
    }
    run(format!("UPDATE schema_version SET version = {version}")).await;
}

/// Field: N12
#[tokio::test]
async fn a_store_of_every_version_is_refused_until_it_was_migrated_and_keeps_what_is_in_it() {
    for version in 1..MIGRATIONS.len() {
        let directory = tempfile::tempdir().unwrap();
        of_version(version, directory.path()).await;
        for missing in [Missing::IsMade, Missing::IsRefused] {
            let refused = Store::open(options(directory.path(), missing)).await;
            assert!(
                matches!(refused, Err(OpenError::OlderSchema { found, .. }) if found == version as i64),
                "{refused:?}"
            );
        }
        Store::open(options(directory.path(), Missing::IsMigrated)).await.unwrap().close().await;
        let store = Store::open(options(directory.path(), Missing::IsRefused)).await.unwrap();
        let grant = store.grant(&"grt_1".parse().unwrap()).await.unwrap().unwrap();
        assert!(grant.is_live(store.now()), "{version}");
        assert_eq!(store.live_elevations(&grant.id, store.now()).await.unwrap().len(), 1, "{version}");
        assert_eq!(store.blocks().len(), 1, "{version}");
        assert!(store.installation(&"ins_1".parse().unwrap()).await.unwrap().is_some(), "{version}");
        assert!(store.unwritten_blocks().await.unwrap().is_empty(), "what a block ended was written with it then");
    }
}

#[tokio::test]
async fn nothing_is_made_where_there_is_nothing_to_migrate() {
    let directory = tempfile::tempdir().unwrap();
    let refused = Store::open(options(directory.path(), Missing::IsMigrated)).await;
    assert!(refused.unwrap_err().is_nothing_yet());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
