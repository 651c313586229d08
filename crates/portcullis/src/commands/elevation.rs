//! `elevation`: privilege above the baseline, from request to end.

use std::process::ExitCode;

use anyhow::{Context, Result};
use governance::Decider;
use model::{Actor, Elevation, Id, Span};
use store::Store;

use super::Visit;
use crate::{cli, output};

/// How many `list` shows.
const LATEST: u32 = 100;

/// Runs `elevation …`.
pub async fn run(visit: &Visit, command: cli::Elevation) -> Result<ExitCode> {
    let (_, store) = visit.open().await?;
    match command {
        cli::Elevation::List => return list(visit, &store).await,
        cli::Elevation::Show { id } => output::json(&found(&store, &id).await?)?,
        cli::Elevation::Approve { id, approver, lasts } => {
            let elevation = found(&store, &id).await?;
            let decider = decider(&store, &approver).await?;
            governance::approve(&store, &elevation.id, &decider, lasts.map(Span::from_seconds)).await?;
            output::json(&found(&store, &id).await?)?;
        }
        cli::Elevation::Deny { id, approver } => {
            let elevation = found(&store, &id).await?;
            let decider = decider(&store, &approver).await?;
            governance::deny(&store, &elevation.id, &decider).await?;
            output::json(&found(&store, &id).await?)?;
        }
        cli::Elevation::End { id } => {
            let elevation = found(&store, &id).await?;
            governance::end(&store, &elevation.id, Actor::Operator).await?;
            output::json(&found(&store, &id).await?)?;
        }
    }
    Ok(output::OK)
}

async fn list(visit: &Visit, store: &Store) -> Result<ExitCode> {
    let now = store.now();
    let mut elevations = store.elevations(LATEST).await?;
    elevations.sort_by_key(|elevation| !elevation.is_pending(now));
    if visit.json {
        output::json(&elevations)?;
        return Ok(output::OK);
    }
    output::table(
        &["ELEVATION", "SCOPE", "BY", "STATE", "USES", "UNTIL", "REASON"],
        elevations.iter().map(|elevation| {
            vec![
                elevation.id.to_string(),
                elevation.scope.to_string(),
                elevation.by.to_string(),
                elevation.state.to_string(),
                format!("{}/{}", elevation.uses, elevation.max_uses),
                elevation.not_after.map_or_else(String::new, |end| end.to_string()),
                elevation.reason.clone(),
            ]
        }),
    );
    Ok(output::OK)
}

async fn found(store: &Store, id: &str) -> Result<Elevation> {
    let parsed: Id<Elevation> = id.parse()?;
    let elevation = store.elevation(&parsed).await?;
    elevation.with_context(|| format!("there is no elevation `{id}`; `portcullis elevation list` shows the latest"))
}

async fn decider(store: &Store, name: &str) -> Result<Decider> {
    let person = store.person(&name.parse()?).await?;
    let person =
        person.with_context(|| format!("there is no person `{name}`; `portcullis person list` shows everybody"))?;
    Ok(Decider::at_the_command_line(person))
}
