//! `key`: the keys that sign access tokens.

use std::process::ExitCode;

use anyhow::{Result, bail};
use model::Timestamp;
use serde_json::json;
use store::AccessKey;

use super::{
    order::{self, Carried},
    visit::Visit,
};
use crate::{
    cli,
    node::order::{Order, Outcome},
    output,
};

/// Runs `key …`.
pub async fn run(visit: &Visit, command: cli::Key) -> Result<ExitCode> {
    match command {
        cli::Key::List => list(visit).await,
        cli::Key::Rotate { compromised } => rotate(visit, compromised).await,
    }
}

async fn list(visit: &Visit) -> Result<ExitCode> {
    let (_, store) = visit.open().await?;
    let (keys, now) = (store.access_keys().await?, store.now());
    let signs = keys.iter().position(|key| key.signs_from <= now && is_there(key, now));
    let states = |at: usize, key: &AccessKey| match key {
        _ if signs == Some(at) => "signs",
        key if !is_there(key, now) => "gone",
        key if key.signs_from > now => "published, signs later",
        _ => "verifies",
    };
    let rows = keys.iter().enumerate().map(|(at, key)| (key, states(at, key)));
    if visit.json {
        let rows = rows.map(|(key, state)| {
            json!({
                "kid": key.kid,
                "state": state,
                "made_at": key.made_at.to_string(),
                "signs_from": key.signs_from.to_string(),
                "gone_at": key.gone_at.map(|at| at.to_string()),
            })
        });
        output::json(&rows.collect::<Vec<_>>())?;
    } else {
        output::table(
            &["KEY", "STATE", "MADE", "BELIEVED UNTIL"],
            rows.map(|(key, state)| {
                let until = key.gone_at.map_or_else(|| "no end".to_owned(), |at| at.to_string());
                vec![key.kid.clone(), state.to_owned(), key.made_at.to_string(), until]
            }),
        );
    }
    Ok(output::OK)
}

fn is_there(key: &AccessKey, now: Timestamp) -> bool {
    key.gone_at.is_none_or(|gone| now < gone)
}

async fn rotate(visit: &Visit, compromised: bool) -> Result<ExitCode> {
    let Carried { outcome: Outcome::Key(replaces), .. } = order::carry_out(visit, &Order::NewestKey).await? else {
        bail!("whoever was asked for the newest key answered something else");
    };
    let carried = order::carry_out(visit, &Order::RotateKey { replaces, compromised }).await?;
    let Carried { outcome: Outcome::Rotated { kid, signs_from, old_gone_at }, through } = carried else {
        bail!("the key was made, and whoever made it did not say which; `portcullis key list` shows it");
    };
    let said = if compromised {
        format!(
            "{kid} signs from now on, through {through}. Every access token that was issued before is refused by every node."
        )
    } else {
        format!(
            "{kid} is published, through {through}, and signs from {signs_from}. The old key is believed until {old_gone_at}."
        )
    };
    let times = (signs_from.to_string(), old_gone_at.to_string());
    visit.tell(&json!({"kid": kid, "signs_from": times.0, "old_gone_at": times.1, "through": through}), said)
}
