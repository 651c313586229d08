//! `grant`: what stands.

use std::process::ExitCode;

use anyhow::Result;
use model::Grant;
use store::HeldGrant;

use super::{
    revoke,
    visit::{AT_A_TIME, Visit},
};
use crate::{cli, output};

/// Runs `grant …`.
pub async fn run(visit: &Visit, command: cli::Grant) -> Result<ExitCode> {
    match command {
        cli::Grant::List => list(visit).await,
        cli::Grant::Revoke { id, reason } => {
            revoke::revoke(visit, cli::Kill { kind: cli::TargetKind::Grant, name: Some(id), reason }).await
        }
    }
}

async fn list(visit: &Visit) -> Result<ExitCode> {
    let (_, store) = visit.open().await?;
    let mut listing = output::Listing::of(visit.json, COLUMNS);
    let mut after = None;
    loop {
        let page = store.standing_grants(store.now(), after.as_ref(), AT_A_TIME).await?;
        for HeldGrant { grant, .. } in &page.items {
            listing.push(|| Ok(serde_json::to_value(grant)?), || row(grant))?;
        }
        listing.page();
        after = page.next;
        if after.is_none() {
            return Ok(listing.end());
        }
    }
}

/// As a table.
pub fn print(grants: &[Grant]) {
    output::table(COLUMNS, grants.iter().map(row));
}

fn row(grant: &Grant) -> Vec<String> {
    vec![
        grant.id.to_string(),
        grant.agent.to_string(),
        grant.person.as_ref().map_or_else(|| "itself".into(), ToString::to_string),
        grant.server.to_string(),
        grant.scopes.to_string(),
        grant.created_at.to_string(),
        grant.not_after.to_string(),
    ]
}

const COLUMNS: &[&str] = &["GRANT", "AGENT", "FOR", "SERVER", "SCOPES", "SINCE", "UNTIL"];
