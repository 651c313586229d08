//! A store of every released version comes up to date, by a step of its own, with what was in it.

use model::{ManualClock, Span, Timestamp, config::StoreUrl};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, raw_sql};

use crate::{
    engine::{
        options::{Missing, OpenOptions},
        store::Store,
    },
    log::contradictions::{Contradiction, contradictions},
    open_error::OpenError,
    sql::schema::MIGRATIONS,
};

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
         INSERT INTO agent (id, title, owner, purpose, kind, client, assurance, state, created_at)
         VALUES ('scribe', 'A', 'ada', 'p', 'delegated', 'https://s.example/c', 'declared', 'active', {at});
         INSERT INTO agent_grant VALUES ('grt_1', 'scribe', 'ada', 'tickets', 'tickets:low', {at}, {end}, NULL);
         INSERT INTO elevation (id, grant_id, scope, step_up, state, reason, requested_at, decide_before, decided_by,
         decided_at, lasts, not_after, max_uses, uses) VALUES ('elv_1', 'grt_1', 'tickets.delete_ticket', 'approval', 'active', 'r', {at}, {end},
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

/// What an older version wrote: it named no person and no declared agent, took the time of a block a moment before that of
/// its record, and said nothing of the first key's beginning.
const OLDER_RECORDS: [&str; 12] = [
    r#"{"event":"log_started","at":1,"actor":"system","origin":"mcp.acme.example/audit"}"#,
    r#"{"event":"key_made","at":1,"actor":"system","key":"k1","purpose":"access"}"#,
    r#"{"event":"configuration_applied","at":2,"actor":"system","agents":2,"people":2,"servers":1}"#,
    r#"{"event":"person_changed","at":3,"actor":"operator","change":"added","person":"eve","roles":"auditor"}"#,
    r#"{"event":"person_changed","at":4,"actor":"system","change":"disabled: taken out of the configuration","person":"bob"}"#,
    r#"{"event":"agent_changed","at":5,"actor":"operator","agent":"nightly","grants_ended":0,"state":"suspended","was":"active"}"#,
    r#"{"event":"agent_changed","at":6,"actor":"operator","agent":"nightly","grants_ended":0,"state":"active","was":"suspended"}"#,
    r#"{"event":"grant_made","at":7,"actor":"person:ada","agent":"scribe","change":"made","grant":"grt_1","not_after":"1970-01-01T00:00:09Z","person":"ada","scope":"tickets:low","server":"tickets"}"#,
    r#"{"event":"elevation_approved","at":8,"actor":"person:ada","elevation":"elv_1","grant":"grt_1","lasts":600,"max_uses":5,"scope":"tickets:medium"}"#,
    r#"{"event":"revoked","at":2000000,"actor":"operator","elevations_ended":0,"grants_ended":0,"name":"other","reason":"a drill","target":"agent"}"#,
    r#"{"event":"revoked","at":2000001,"actor":"operator","elevations_ended":0,"grants_ended":0,"name":"","reason":"a drill","target":"all"}"#,
    r#"{"event":"restored","at":3000000,"actor":"operator","name":"","reason":"a drill","target":"all"}"#,
];

/// What is in the tables with them: bob was declared again, and nobody said so.
const OLDER_ROWS: &str = "INSERT INTO person (id, display_name, roles, disabled) VALUES
         ('ada', 'Ada', 'admin', 0), ('bob', 'Bob', 'approver', 0), ('eve', 'Eve', 'auditor', 0);
     INSERT INTO agent (id, title, owner, purpose, kind, client, assurance, state, created_at)
         VALUES ('scribe', 'A', 'ada', 'p', 'delegated', 'https://s.example/c', 'declared', 'active', 7);
     INSERT INTO agent (id, title, owner, purpose, kind, client, assurance, state, created_at)
         VALUES ('nightly', 'A', 'ada', 'p', 'autonomous', 'nightly', 'proven', 'active', 2);
     INSERT INTO agent_grant VALUES ('grt_1', 'scribe', 'ada', 'tickets', 'tickets:low', 7, 9000000, NULL);
     INSERT INTO elevation (id, grant_id, scope, step_up, state, reason, requested_at, decide_before, decided_by, decided_at,
         lasts, not_after, max_uses, uses)
         VALUES ('elv_1', 'grt_1', 'tickets:medium', 'consent', 'active', 'r', 8, 9, 'ada', 8, 600, 9, 5, 0);
     INSERT INTO signing_key (name, purpose, sealed, made_at) VALUES ('k1', 'access', '', 1);
     INSERT INTO signing_key (name, purpose, sealed, made_at) VALUES ('mcp.acme.example/audit', 'log', '', 1);
     INSERT INTO block (kind, name, since, reason, lifted_at) VALUES ('agent', 'other', 1000000, 'a drill', NULL);
     INSERT INTO block (kind, name, since, reason, lifted_at) VALUES ('all', '', 1000001, 'a drill', 3000000)";

/// Field: S13
#[tokio::test]
async fn what_a_log_of_an_older_version_never_said_is_not_held_against_its_database() {
    sqlx::any::install_default_drivers();
    for version in 1..=MIGRATIONS.len() {
        let mut connection = AnyConnection::connect("sqlite::memory:").await.unwrap();
        let mut run = async |sql: &str| {
            raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
        };
        for (at, migration) in (1..).zip(MIGRATIONS) {
            run(migration).await;
            if at == version {
                run(OLDER_ROWS).await;
            }
        }
        let records: Vec<Vec<u8>> = OLDER_RECORDS.iter().map(|record| record.as_bytes().to_vec()).collect();
        let entries: String = audit::encode_bundle(&records).iter().map(|byte| format!("{byte:02x}")).collect();
        run(&format!(
            "INSERT INTO audit_batch VALUES (0, {}, x'{entries}', x''); INSERT INTO audit_head (one, size, frontier, checkpoint)
             VALUES (1, {0}, x'', '')",
            records.len()
        ))
        .await;
        assert_eq!(contradictions(&mut connection).await.unwrap(), [], "{version}");
        raw_sql("DELETE FROM block WHERE lifted_at IS NOT NULL").execute(&mut connection).await.unwrap();
        let gone = Contradiction::LiftedGone { what: "everything".into(), record: 10 };
        assert_eq!(contradictions(&mut connection).await.unwrap(), [gone], "{version}");
    }
}
