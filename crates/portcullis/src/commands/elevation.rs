//! `elevation`: privilege above the baseline, from request to end.

use std::process::ExitCode;

use anyhow::{Context, Result};
use catalogue::{Before, Shown, ShownArgument};
use model::{Elevation, ElevationState, Id, Timestamp};
use privilege::asked_call;
use store::{ElevationEntry, Store};

use super::{
    order,
    visit::{AT_A_TIME, Visit},
};
use crate::{
    cli,
    node::{decision::MayDiffer, order::Order},
    output,
};

/// How many of the newest a table shows.
const LATEST: u32 = 100;

/// Runs `elevation …`.
pub async fn run(visit: &Visit, command: cli::Elevation) -> Result<ExitCode> {
    let (order, id) = match command {
        cli::Elevation::List => {
            let (_, store) = visit.open().await?;
            return list(visit, &store).await;
        }
        cli::Elevation::Show { id } => (None, id),
        cli::Elevation::Approve { id, approver, lasts, number, any, at_most, uses } => {
            let differs = !any.is_empty() || !at_most.is_empty() || uses.is_some();
            let may_differ = differs.then(|| MayDiffer { any, at_most, uses: uses.unwrap_or(1) });
            (Some(Order::Approve { elevation: id.clone(), approver, lasts, number, may_differ }), id)
        }
        cli::Elevation::Deny { id, approver } => (Some(Order::Deny { elevation: id.clone(), approver }), id),
        cli::Elevation::End { id } => (Some(Order::End { elevation: id.clone() }), id),
    };
    let through = match &order {
        Some(order) => Some(order::carry_out(visit, order).await?.through),
        None => None,
    };
    let shown = async {
        let (_, store) = visit.open().await?;
        let entry = found(&store, &id).await?;
        let call = asked_call::card_of(&store, &entry.agent.id, &entry.elevation).await?;
        Ok::<_, anyhow::Error>((entry, call))
    };
    match (shown.await, through) {
        (Ok((entry, call)), through) => show(visit, &entry, call.as_deref(), through),
        // It is done, and whoever did it could; that it can not be shown from here is no failure.
        (Err(_), Some(through)) => {
            visit.tell(&serde_json::json!({"elevation": id, "through": through}), format!("{id}: through {through}"))
        }
        (Err(error), None) => Err(error),
    }
}

/// Those that wait first, and all others after them, each newest first. A table ends after the latest.
async fn list(visit: &Visit, store: &Store) -> Result<ExitCode> {
    let now = store.now();
    let columns = &["ELEVATION", "AGENT", "FOR", "SCOPE", "BY", "STATE", "USES", "UNTIL", "REASON"];
    let mut listing = output::Listing::of(visit.json, columns);
    for waits in [true, false] {
        let (mut after, mut looked_at) = (None, 0);
        loop {
            let limit = if visit.json { AT_A_TIME } else { LATEST };
            let page = store.elevation_entries(after.as_ref(), limit).await?;
            looked_at += page.items.len();
            for entry in page.items.iter().filter(|entry| entry.elevation.is_pending(now) == waits) {
                listing.push(|| whole(entry), || row(entry, now))?;
            }
            after = page.next;
            if after.is_none() || (!visit.json && looked_at >= LATEST as usize) {
                break;
            }
        }
    }
    Ok(listing.end())
}

fn row(entry: &ElevationEntry, now: Timestamp) -> Vec<String> {
    let elevation = &entry.elevation;
    vec![
        elevation.id.to_string(),
        entry.agent.id.to_string(),
        acts_for(entry),
        elevation.scope.to_string(),
        elevation.by.to_string(),
        state(elevation),
        format!("{}/{}", elevation.uses(), elevation.max_uses),
        // An end that lies behind says nothing that the state does not.
        match elevation.not_after() {
            Some(end) if elevation.is_live(now) => end.to_string(),
            _ if elevation.is_pending(now) => elevation.decide_before.to_string(),
            _ => String::new(),
        },
        elevation.reason.clone(),
    ]
}

/// With how many have approved, when several have to.
fn state(elevation: &Elevation) -> String {
    match elevation.quorum.progress().filter(|_| elevation.state() == ElevationState::Requested) {
        Some(_) => format!("requested, {} of {}", elevation.quorum.given.len(), elevation.quorum.needed),
        None => elevation.state().to_string(),
    }
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

fn show(
    visit: &Visit,
    entry: &ElevationEntry,
    call: Option<&[ShownArgument]>,
    through: Option<&str>,
) -> Result<ExitCode> {
    if visit.json {
        let mut shown = whole(entry)?;
        if let Some(call) = call {
            shown["arguments"] = call.iter().map(argument).collect();
        }
        if let Some(through) = through {
            shown["through"] = through.into();
        }
        output::json(&shown)?;
        return Ok(output::OK);
    }
    let elevation = &entry.elevation;
    let at = |time: Option<Timestamp>| time.map_or_else(String::new, |time| time.to_string());
    output::sheet([
        ("elevation", elevation.id.to_string()),
        ("state", elevation.state().to_string()),
        ("agent", entry.agent.id.to_string()),
        ("for", acts_for(entry)),
        ("scope", elevation.scope.to_string()),
        ("by", elevation.by.to_string()),
        ("reason", elevation.reason.clone()),
        ("asked for", elevation.requested_at.to_string()),
        ("approvals", elevation.quorum.progress().unwrap_or_default()),
        ("decided by", elevation.decided().map(|decided| decided.by.clone()).unwrap_or_default()),
        ("decided", at(elevation.decided().map(|decided| decided.at))),
        ("lasts", elevation.lasts.to_string()),
        ("until", at(elevation.not_after())),
        ("uses", format!("{}/{}", elevation.uses(), elevation.max_uses)),
        ("grant", elevation.grant.to_string()),
    ]);
    match call {
        Some([]) => output::line("one call of it, without arguments"),
        Some(call) => {
            output::line("one call of it, with exactly these arguments:");
            call.iter().for_each(|argument| output::line(format!("  {}", written(argument))));
        }
        None if elevation.call.is_some() => output::line("one call of it, whose arguments are not kept any more"),
        None => {}
    }
    if let Some(through) = through {
        output::line(format!("decided through {through}"));
    }
    Ok(output::OK)
}

/// An argument, and what it was in the call that was approved last, when that is something else.
fn written(argument: &ShownArgument) -> String {
    let value = |shown: &Shown| match shown {
        // Quoted, so that no text passes for the end of a line, or for a number.
        Shown::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
        Shown::Literal(text) => text.clone(),
    };
    let before = match &argument.before {
        None => String::new(),
        Some(Before::Nothing) => " (not in the last approved call)".to_owned(),
        Some(Before::Value(before)) => format!(" (was {})", value(before)),
    };
    format!("{} = {}{before}", argument.place, value(&argument.value))
}

fn argument(argument: &ShownArgument) -> serde_json::Value {
    let (Shown::Text(value) | Shown::Literal(value)) = &argument.value;
    let is_text = matches!(argument.value, Shown::Text(_));
    serde_json::json!({"place": argument.place, "value": value, "text": is_text, "differs": argument.before.is_some()})
}

async fn found(store: &Store, id: &str) -> Result<ElevationEntry> {
    let parsed: Id<Elevation> = id.parse()?;
    let entry = store.elevation_entry(&parsed).await?;
    entry.with_context(|| format!("there is no elevation `{id}`; `portcullis elevation list` shows the latest"))
}
