//! `revoke` and `restore`: the kill switch.

use std::process::ExitCode;

use anyhow::{Result, bail};
use model::{Actor, Target};

use super::Visit;
use crate::{cli, output};

/// Turns the kill switch, and returns once every node refuses.
pub async fn revoke(visit: &Visit, kill: cli::Kill) -> Result<ExitCode> {
    let target = target(&kill)?;
    let (config, store) = visit.open().await?;
    governance::check_named(&config, &target)?;
    governance::revoke(&store, &target, Actor::Operator, &kill.reason).await?;
    store.wait_until_everywhere().await?;
    output::line(format!("revoked: {target}. Every node refuses from now on."));
    Ok(output::OK)
}

/// Lifts a block. What was issued before it stays dead.
pub async fn restore(visit: &Visit, kill: cli::Kill) -> Result<ExitCode> {
    let target = target(&kill)?;
    let (_, store) = visit.open().await?;
    governance::restore(&store, &target, Actor::Operator, &kill.reason).await?;
    store.wait_until_everywhere().await?;
    output::line(format!("restored: {target}. Tokens issued before the revocation stay dead."));
    Ok(output::OK)
}

fn target(kill: &cli::Kill) -> Result<Target> {
    let kind = match kill.kind {
        cli::TargetKind::Agent => "agent",
        cli::TargetKind::Person => "person",
        cli::TargetKind::Client => "client",
        cli::TargetKind::Grant => "grant",
        cli::TargetKind::Installation => "installation",
        cli::TargetKind::Server => "server",
        cli::TargetKind::Tool => "tool",
        cli::TargetKind::All => "all",
    };
    match (&kill.name, kill.kind) {
        (None, cli::TargetKind::All) => Ok(Target::All),
        (Some(name), cli::TargetKind::All) => bail!("`all` takes no name; leave out `{name}`"),
        (None, _) => bail!("name the {kind}"),
        (Some(name), _) => Target::parse(kind, name).map_err(|why| anyhow::anyhow!(why)),
    }
}
