//! `grant`: what stands.

use std::process::ExitCode;

use anyhow::Result;
use model::Grant;

use super::{Visit, kill};
use crate::{cli, output};

/// Runs `grant …`.
pub async fn run(visit: &Visit, command: cli::Grant) -> Result<ExitCode> {
    match command {
        cli::Grant::List => list(visit).await,
        cli::Grant::Revoke { id, reason } => {
            kill::revoke(visit, cli::Kill { kind: cli::TargetKind::Grant, name: Some(id), reason }).await
        }
    }
}

async fn list(visit: &Visit) -> Result<ExitCode> {
    let (_, store) = visit.open().await?;
    let grants = store.grants(Some(store.now())).await?;
    if visit.json {
        output::json(&grants)?;
        return Ok(output::OK);
    }
    print(&grants);
    Ok(output::OK)
}

/// As a table.
pub fn print(grants: &[Grant]) {
    output::table(
        &["GRANT", "AGENT", "FOR", "SERVER", "SCOPES", "SINCE", "UNTIL"],
        grants.iter().map(|grant| {
            vec![
                grant.id.to_string(),
                grant.agent.to_string(),
                grant.person.as_ref().map_or_else(|| "itself".into(), ToString::to_string),
                grant.server.to_string(),
                grant.scopes.to_string(),
                grant.created_at.to_string(),
                grant.not_after.to_string(),
            ]
        }),
    );
}
