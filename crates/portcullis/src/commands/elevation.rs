//! `elevation`: privilege above the baseline, from request to end.

use std::process::ExitCode;

use anyhow::{Context, Result};
use governance::{Decider, inventory::ElevationEntry};
use model::{Actor, Elevation, Id, Span};
use store::Store;

use super::Visit;
use crate::{cli, output};

/// How many `list` shows.
const LATEST: u32 = 100;

/// Runs `elevation …`.
pub async fn run(visit: &Visit, command: cli::Elevation) -> Result<ExitCode> {
    let (_, store) = visit.open().await?;
    let id = match command {
        cli::Elevation::List => return list(visit, &store).await,
        cli::Elevation::Show { id } => id,
        cli::Elevation::Approve { id, approver, lasts } => {
            let elevation = found(&store, &id).await?.elevation;
            let decider = decider(&store, &approver).await?;
            governance::approve(&store, &elevation.id, &decider, lasts.map(Span::from_seconds)).await?;
            id
        }
        cli::Elevation::Deny { id, approver } => {
            let elevation = found(&store, &id).await?.elevation;
            let decider = decider(&store, &approver).await?;
            governance::deny(&store, &elevation.id, &decider).await?;
            id
        }
        cli::Elevation::End { id } => {
            let elevation = found(&store, &id).await?.elevation;
            governance::end(&store, &elevation.id, Actor::Operator).await?;
            id
        }
    };
    show(visit, &found(&store, &id).await?)
}

async fn list(visit: &Visit, store: &Store) -> Result<ExitCode> {
    let now = store.now();
    let mut entries = governance::inventory::elevations(store, LATEST).await?;
    entries.sort_by_key(|entry| !entry.elevation.is_pending(now));
    if visit.json {
        output::json(&entries.iter().map(whole).collect::<Result<Vec<_>>>()?)?;
        return Ok(output::OK);
    }
    output::table(
        &["ELEVATION", "AGENT", "FOR", "SCOPE", "BY", "STATE", "USES", "UNTIL", "REASON"],
        entries.iter().map(|entry| {
            let elevation = &entry.elevation;
            vec![
                elevation.id.to_string(),
                entry.agent.id.to_string(),
                acts_for(entry),
                elevation.scope.to_string(),
                elevation.by.to_string(),
                elevation.state.to_string(),
                format!("{}/{}", elevation.uses, elevation.max_uses),
                // An end that lies behind says nothing that the state does not.
                match elevation.not_after {
                    Some(end) if elevation.is_live(now) => end.to_string(),
                    _ if elevation.is_pending(now) => elevation.decide_before.to_string(),
                    _ => String::new(),
                },
                elevation.reason.clone(),
            ]
        }),
    );
    Ok(output::OK)
}

fn acts_for(entry: &ElevationEntry) -> String {
    entry.grant.person.as_ref().map_or_else(|| "itself".into(), ToString::to_string)
}

/// The elevation with whom it is about.
fn whole(entry: &ElevationEntry) -> Result<serde_json::Value> {
    let mut shown = serde_json::to_value(&entry.elevation)?;
    shown["agent"] = entry.agent.id.to_string().into();
    shown["for"] = entry.grant.person.as_ref().map(ToString::to_string).into();
    Ok(shown)
}

fn show(visit: &Visit, entry: &ElevationEntry) -> Result<ExitCode> {
    if visit.json {
        output::json(&whole(entry)?)?;
        return Ok(output::OK);
    }
    let elevation = &entry.elevation;
    let at = |time: Option<model::Timestamp>| time.map_or_else(String::new, |time| time.to_string());
    output::sheet([
        ("elevation", elevation.id.to_string()),
        ("state", elevation.state.to_string()),
        ("agent", entry.agent.id.to_string()),
        ("for", acts_for(entry)),
        ("scope", elevation.scope.to_string()),
        ("by", elevation.by.to_string()),
        ("reason", elevation.reason.clone()),
        ("asked for", elevation.requested_at.to_string()),
        ("decided by", elevation.decided_by.clone().unwrap_or_default()),
        ("decided", at(elevation.decided_at)),
        ("lasts", elevation.lasts.to_string()),
        ("until", at(elevation.not_after)),
        ("uses", format!("{}/{}", elevation.uses, elevation.max_uses)),
        ("grant", elevation.grant.to_string()),
    ]);
    Ok(output::OK)
}

async fn found(store: &Store, id: &str) -> Result<ElevationEntry> {
    let parsed: Id<Elevation> = id.parse()?;
    let entry = governance::inventory::elevation(store, &parsed).await?;
    entry.with_context(|| format!("there is no elevation `{id}`; `portcullis elevation list` shows the latest"))
}

async fn decider(store: &Store, name: &str) -> Result<Decider> {
    let person = store.person(&name.parse()?).await?;
    let person =
        person.with_context(|| format!("there is no person `{name}`; `portcullis person list` shows everybody"))?;
    Ok(Decider::at_the_command_line(person))
}
