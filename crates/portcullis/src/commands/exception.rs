//! `exception`: that one agent is spared what a policy says, for a reason, by somebody's word, and until then.

use std::process::ExitCode;

use anyhow::{Result, bail};
use model::{Exception, Timestamp};
use serde_json::json;

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

/// Runs `exception …`.
pub async fn run(visit: &Visit, command: cli::Exception) -> Result<ExitCode> {
    match command {
        cli::Exception::List => list(visit).await,
        cli::Exception::Add { name, agent, server, reason, owner, lasts } => {
            let order = Order::AddException { name, agent, server, reason, owner, lasts: lasts.seconds() as u32 };
            let carried = order::carry_out(visit, &order).await?;
            let Outcome::Exception(id) = carried.outcome else { bail!("the running node did not say which it added") };
            told(visit, &id, "added", carried.through)
        }
        cli::Exception::End { id } => {
            let through = order::carry_out(visit, &Order::EndException { exception: id.clone() }).await?.through;
            told(visit, &id, "ended", through)
        }
    }
}

fn told(visit: &Visit, id: &str, what: &str, through: &str) -> Result<ExitCode> {
    visit.tell(&json!({"exception": id, "done": what, "through": through}), format!("{id}: {what} through {through}"))
}

/// Newest first. A table ends after the latest.
async fn list(visit: &Visit) -> Result<ExitCode> {
    let (_, store) = visit.open().await?;
    let now = store.now();
    let columns = &["EXCEPTION", "NAME", "AGENT", "SERVER", "STATE", "UNTIL", "OWNER", "REASON"];
    let mut listing = output::Listing::of(visit.json, columns);
    let (mut after, mut looked_at) = (None, 0);
    loop {
        let limit = if visit.json { AT_A_TIME } else { LATEST };
        let page = store.exceptions_page(after.as_ref(), limit).await?;
        looked_at += page.items.len();
        for exception in &page.items {
            listing.push(|| Ok(whole(exception, now)), || row(exception, now))?;
        }
        after = page.next;
        if after.is_none() || (!visit.json && looked_at >= LATEST as usize) {
            return Ok(listing.end());
        }
    }
}

fn row(exception: &Exception, now: Timestamp) -> Vec<String> {
    let end = exception.end(now);
    vec![
        exception.id.to_string(),
        exception.name.to_string(),
        exception.agent.to_string(),
        exception.server.as_ref().map_or_else(|| "every one".into(), ToString::to_string),
        end.map_or_else(|| "stands".into(), |(cause, _)| format!("ended: {cause}")),
        end.map_or(exception.not_after, |(_, at)| at).to_string(),
        exception.owner.to_string(),
        exception.reason.clone(),
    ]
}

/// An exception as scripts read it.
fn whole(exception: &Exception, now: Timestamp) -> serde_json::Value {
    let (cause, ended_at) = exception.end(now).unzip();
    json!({
        "id": exception.id, "name": exception.name, "agent": exception.agent, "server": exception.server,
        "reason": exception.reason, "owner": exception.owner, "added_at": exception.added_at,
        "until": exception.not_after, "stands": cause.is_none(), "cause": cause, "ended_at": ended_at,
        "stop": exception.stop(),
    })
}
