//! `store`: what is done to the store as a whole, by hand and as a step of its own.

use std::process::ExitCode;

use ::store::Missing;
use anyhow::Result;
use serde_json::json;

use super::visit::Visit;
use crate::cli;

/// Runs `store …`.
pub async fn run(visit: &Visit, command: cli::Store) -> Result<ExitCode> {
    match command {
        cli::Store::Migrate => migrate(visit).await,
    }
}

/// A node never changes the tables of a store that is there: the nodes of the version before would run on tables they do
/// not know.
async fn migrate(visit: &Visit) -> Result<ExitCode> {
    let (config, store) = visit.open_or(Missing::IsMigrated).await?;
    store.close().await;
    let shown = config.store.shown();
    visit.tell(&json!({ "store": shown }), format!("the store at {shown} is up to date."))
}
