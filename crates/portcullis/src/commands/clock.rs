//! `clock accept`: the way out after a clock that ran ahead.

use std::process::ExitCode;

use anyhow::Result;
use governance::orders;
use model::Actor;
use privilege::clock::ClockAccepted;
use serde_json::json;
use store::USED_VALUES_UNKNOWN;

use super::visit::Visit;
use crate::cli;

/// Runs `clock …`.
pub async fn run(visit: &Visit, command: cli::Clock) -> Result<ExitCode> {
    match command {
        cli::Clock::Accept { reason } => accept(visit, &reason).await,
    }
}

async fn accept(visit: &Visit, reason: &str) -> Result<ExitCode> {
    let (_, store) = visit.open().await?;
    let ClockAccepted { was, now, ended } = orders::accept_clock(&store, Actor::Operator, reason).await?;
    store.close().await;
    visit.tell(
        &json!({
            "was": was, "now": now, "grants_ended": ended.grants, "installations_ended": ended.installations,
            "elevations_ended": ended.elevations, "sessions_ended": ended.sessions,
        }),
        format!(
            "time goes on from {now}; the latest change was from {was}. Ended: {} grants and {} logins of later than now, \
             {} elevations, {} sessions, and every access token. Client assertions are refused for {USED_VALUES_UNKNOWN}.",
            ended.grants, ended.installations, ended.elevations, ended.sessions
        ),
    )
}
