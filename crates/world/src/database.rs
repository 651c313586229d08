//! A database of a test's own, on the PostgreSQL that the test command started.

use tokio::process::Command;

use crate::{WorldConfig, skipped};

/// Runs `test` in a world whose state lives in a database of its own; says so when there is no PostgreSQL.
///
/// # Panics
/// When the database can not be made or dropped.
pub async fn on_postgres(name: &str, test: impl AsyncFnOnce(WorldConfig)) {
    let Ok(server) = std::env::var("PORTCULLIS_TEST_POSTGRES") else {
        return skipped("PORTCULLIS_TEST_POSTGRES is not set");
    };
    let name = format!("{name}_{}", std::process::id());
    sql(&server, &format!("CREATE DATABASE {name}")).await;
    let (base, _) = server.rsplit_once('/').expect("a URL with the name of a database");
    test(WorldConfig { store: Some(format!("{base}/{name}")), ..WorldConfig::default() }).await;
    sql(&server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
}

async fn sql(server: &str, statement: &str) {
    let done = Command::new("psql").args([server, "--quiet", "--command", statement]).status().await;
    assert!(done.expect("psql, which comes with PostgreSQL").success(), "{statement}");
}
