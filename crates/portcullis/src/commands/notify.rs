//! `notify`: who outside is told, how that stands, and a try.

use std::process::ExitCode;

use anyhow::{Context, Result};
use governance::notify::{Answer, deliver};
use model::{Clock, Id, Message, SystemClock};
use serde_json::json;
use store::OutboxState;

use super::visit::Visit;
use crate::{cli, config::Needs, node, output};

/// Runs `notify …`.
pub async fn run(visit: &Visit, command: cli::Notify) -> Result<ExitCode> {
    match command {
        cli::Notify::List => list(visit).await,
        cli::Notify::Test { name } => test(visit, &name).await,
    }
}

async fn list(visit: &Visit) -> Result<ExitCode> {
    let (config, store) = visit.open().await?;
    let columns = &["RECEIVER", "STATE", "WAITING", "GIVEN UP", "LAST TAKEN", "SAID"];
    let mut listing = output::Listing::of(visit.json, columns);
    for (_, name) in config.notify.names() {
        let state = store.outbox_state(name).await?;
        listing.push(|| Ok(whole(name, &state)), || row(name, &state))?;
    }
    Ok(listing.end())
}

fn word(state: &OutboxState) -> &'static str {
    match (state.off_since, state.failing_since) {
        (Some(_), _) => "off",
        (None, Some(_)) => "failing",
        (None, None) => "ok",
    }
}

fn whole(name: &str, state: &OutboxState) -> serde_json::Value {
    json!({
        "receiver": name, "state": word(state), "waiting": state.waiting, "given_up": state.given_up,
        "failing_since": state.failing_since, "off_since": state.off_since, "delivered_at": state.delivered_at,
        "said": state.said,
    })
}

fn row(name: &str, state: &OutboxState) -> Vec<String> {
    let since = state.off_since.or(state.failing_since).map_or_else(String::new, |at| format!(" since {at}"));
    vec![
        name.to_owned(),
        format!("{}{since}", word(state)),
        state.waiting.to_string(),
        state.given_up.to_string(),
        state.delivered_at.map_or_else(|| "never".to_owned(), |at| at.to_string()),
        state.said.clone().unwrap_or_default(),
    ]
}

async fn test(visit: &Visit, name: &str) -> Result<ExitCode> {
    node::log_to_stderr("error");
    let config = visit.config(Needs::Everything)?;
    let receivers = node::receivers(&config)?;
    let now = SystemClock.now();
    let id: Id<Message> = crypto::mint();
    let body = Message::test().body(config.public_url.as_str(), now);
    let answer = receivers.send(name, (id.as_str(), &body), now).await;
    let answer =
        answer.with_context(|| format!("`{name}` is not in `notify`; `portcullis notify list` shows them all"))?;
    let said = match &answer {
        Answer::Taken(status) => format!("it took {id}: status {status}"),
        Answer::Gone => "it answered 410: it wants no messages".to_owned(),
        Answer::Failed { said, .. } => format!("it did not take {id}: {said}"),
    };
    let is_taken = matches!(answer, Answer::Taken(_));
    let is_back = is_taken && is_back(visit, name).await?;
    let said = if is_back { format!("{said}; it had been switched off, and is told again") } else { said };
    visit.tell(
        &json!({ "receiver": name, "message": id, "taken": is_taken, "on_again": is_back, "said": said }),
        &said,
    )?;
    Ok(if is_taken { output::OK } else { ExitCode::from(output::NO) })
}

/// It had said 410, and takes messages again.
async fn is_back(visit: &Visit, name: &str) -> Result<bool> {
    let (_, store) = visit.open().await?;
    if store.outbox_state(name).await?.off_since.is_none() {
        return Ok(false);
    }
    Ok(deliver::switch_on(&store, name).await?)
}
