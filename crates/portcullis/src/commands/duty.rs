//! `duty`: approving in the name of another person.

use std::process::ExitCode;

use anyhow::{Result, bail};
use model::{Duty, Timestamp};
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

/// Runs `duty …`.
pub async fn run(visit: &Visit, command: cli::Duty) -> Result<ExitCode> {
    match command {
        cli::Duty::List => list(visit).await,
        cli::Duty::Delegate { from, to, lasts, server } => {
            let Ok(lasts) = u32::try_from(lasts.seconds()) else { bail!("--for is at most {}", Duty::LONGEST) };
            let order = Order::DelegateDuty { from: from.clone(), to: to.clone(), lasts, server };
            let carried = order::carry_out(visit, &order).await?;
            let Outcome::Duty(id) = carried.outcome else { bail!("the running node did not say which duty it is") };
            let through = carried.through;
            visit.tell(
                &json!({"duty": id, "from": from, "to": to, "through": through}),
                format!("{to} decides in the name of {from} ({id}), through {through}"),
            )
        }
        cli::Duty::End { id } => {
            let through = order::carry_out(visit, &Order::EndDuty { duty: id.clone() }).await?.through;
            visit.tell(&json!({"duty": id, "through": through}), format!("{id} is over, through {through}"))
        }
    }
}

/// Newest first. A table ends after the latest.
async fn list(visit: &Visit) -> Result<ExitCode> {
    let (_, store) = visit.open().await?;
    let now = store.now();
    let mut listing = output::Listing::of(visit.json, &["DUTY", "FROM", "TO", "SERVER", "STATE", "UNTIL"]);
    let (mut after, mut looked_at) = (None, 0);
    loop {
        let limit = if visit.json { AT_A_TIME } else { LATEST };
        let page = store.duties_page(after.as_ref(), limit).await?;
        looked_at += page.items.len();
        for duty in &page.items {
            listing.push(|| Ok(whole(duty, now)), || row(duty, now))?;
        }
        after = page.next;
        if after.is_none() || (!visit.json && looked_at >= LATEST as usize) {
            return Ok(listing.end());
        }
    }
}

fn row(duty: &Duty, now: Timestamp) -> Vec<String> {
    vec![
        duty.id.to_string(),
        duty.from.to_string(),
        duty.to.to_string(),
        duty.server.as_ref().map_or_else(|| "all".into(), ToString::to_string),
        state(duty, now),
        duty.not_after.to_string(),
    ]
}

fn state(duty: &Duty, now: Timestamp) -> String {
    match duty.ended {
        Some((cause, _)) => format!("ended: {cause}"),
        None if duty.is_over(now) => "ended: time_over".into(),
        None => "standing".into(),
    }
}

/// A duty as scripts read it.
fn whole(duty: &Duty, now: Timestamp) -> serde_json::Value {
    let (cause, ended_at) = duty.ended.unzip();
    json!({
        "id": duty.id, "from": duty.from, "to": duty.to, "server": duty.server, "since": duty.since,
        "until": duty.not_after, "stands": !duty.is_over(now), "cause": cause, "ended_at": ended_at,
    })
}
