//! `task`: named pieces of work, to which privilege belongs and with which it ends.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use model::{Id, Span, Task, TaskStage, Timestamp};
use serde_json::json;
use store::Store;

use super::{
    order,
    visit::{AT_A_TIME, Visit},
};
use crate::{
    cli,
    node::order::{Order, Outcome},
    output,
};

/// How many of the newest a table shows.
const LATEST: u32 = 100;

/// Runs `task …`.
pub async fn run(visit: &Visit, command: cli::Task) -> Result<ExitCode> {
    match command {
        cli::Task::List => list(visit).await,
        cli::Task::Show { id } => show(visit, &id, None).await,
        cli::Task::Open { agent, purpose, lasts, idle, uses } => {
            let seconds = |span: Span| span.seconds() as u32;
            let (lasts, idle) = (seconds(lasts), seconds(idle));
            let carried = order::carry_out(visit, &Order::OpenTask { agent, purpose, lasts, idle, uses }).await?;
            let Outcome::Task(id) = carried.outcome else { bail!("the running node did not say which task it opened") };
            done(visit, &id, carried.through).await
        }
        cli::Task::End { id } => {
            let through = order::carry_out(visit, &Order::EndTask { task: id.clone() }).await?.through;
            done(visit, &id, through).await
        }
    }
}

/// It is done, and whoever did it could; that it can not be shown from here is no failure.
async fn done(visit: &Visit, id: &str, through: &str) -> Result<ExitCode> {
    match show(visit, id, Some(through)).await {
        Ok(code) => Ok(code),
        Err(_) => visit.tell(&json!({"task": id, "through": through}), format!("{id}: through {through}")),
    }
}

/// Newest first. A table ends after the latest.
async fn list(visit: &Visit) -> Result<ExitCode> {
    let (_, store) = visit.open().await?;
    let now = store.now();
    let columns = &["TASK", "AGENT", "FOR", "STATE", "USES", "UNTIL", "PURPOSE"];
    let mut listing = output::Listing::of(visit.json, columns);
    let (mut after, mut looked_at) = (None, 0);
    loop {
        let limit = if visit.json { AT_A_TIME } else { LATEST };
        let page = store.tasks_page(after.as_ref(), limit).await?;
        looked_at += page.items.len();
        for task in &page.items {
            listing.push(|| Ok(whole(task, now)), || row(task, now))?;
        }
        after = page.next;
        if after.is_none() || (!visit.json && looked_at >= LATEST as usize) {
            return Ok(listing.end());
        }
    }
}

fn row(task: &Task, now: Timestamp) -> Vec<String> {
    vec![
        task.id.to_string(),
        task.agent.to_string(),
        acts_for(task),
        state(task, now),
        uses(task),
        task.deadline.to_string(),
        task.purpose.clone(),
    ]
}

fn acts_for(task: &Task) -> String {
    task.person.as_ref().map_or_else(|| "itself".into(), ToString::to_string)
}

fn uses(task: &Task) -> String {
    task.max_uses.map_or_else(|| task.uses.to_string(), |most| format!("{}/{most}", task.uses))
}

fn state(task: &Task, now: Timestamp) -> String {
    match task.end(now) {
        Some((cause, _)) => format!("ended: {cause}"),
        None if task.stage == TaskStage::Completing => "completing".to_owned(),
        None => "open".to_owned(),
    }
}

/// A task as scripts read it.
fn whole(task: &Task, now: Timestamp) -> serde_json::Value {
    let (cause, ended_at) = task.end(now).unzip();
    json!({
        "id": task.id, "agent": task.agent, "for": task.person, "grant": task.grant, "purpose": task.purpose,
        "digest": task.digest, "state": task.state(now).as_str(), "opened_at": task.opened_at, "until": task.deadline,
        "idle": task.idle, "max_uses": task.max_uses, "uses": task.uses, "last_used_at": task.last_used_at,
        "cause": cause, "ended_at": ended_at, "stop": task.stop(),
    })
}

async fn show(visit: &Visit, id: &str, through: Option<&str>) -> Result<ExitCode> {
    let (_, store) = visit.open().await?;
    let task = found(&store, id).await?;
    let now = store.now();
    if visit.json {
        let mut shown = whole(&task, now);
        if let Some(through) = through {
            shown["through"] = through.into();
        }
        output::json(&shown)?;
        return Ok(output::OK);
    }
    let ended = task.end(now).map_or_else(String::new, |(_, at)| at.to_string());
    output::sheet([
        ("task", task.id.to_string()),
        ("state", state(&task, now)),
        ("agent", task.agent.to_string()),
        ("for", acts_for(&task)),
        ("purpose", task.purpose.clone()),
        ("digest", task.digest.clone()),
        ("opened", task.opened_at.to_string()),
        ("until", task.deadline.to_string()),
        ("idle", task.idle.map_or_else(String::new, |idle| idle.to_string())),
        ("last used", task.last_used_at.to_string()),
        ("uses", uses(&task)),
        ("ended", ended),
        ("stop", task.stop()),
    ]);
    if let Some(through) = through {
        output::line(format!("done through {through}"));
    }
    Ok(output::OK)
}

async fn found(store: &Store, id: &str) -> Result<Task> {
    let parsed: Id<Task> = id.parse()?;
    let task = store.task(&parsed).await?;
    task.with_context(|| format!("there is no task `{id}`; `portcullis task list` shows the latest"))
}
