//! `revoke` and `restore`: the kill switch.

use std::process::ExitCode;

use anyhow::{Result, bail};
use model::Target;
use serde_json::json;

use super::{order, visit::Visit};
use crate::{cli, node::order::Order, output};

/// Turns the kill switch, and returns once every node refuses. The node that runs here turns it; when none answers, the
/// store is asked.
pub async fn revoke(visit: &Visit, kill: cli::Kill) -> Result<ExitCode> {
    let target = target(&kill)?;
    let order = Order::Revoke { kind: target.kind().to_string(), name: target.name(), reason: kill.reason };
    let through = order::carry_out(visit, &order).await?.through;
    visit.tell(
        &json!({ "revoked": target.to_string(), "through": through }),
        format!("revoked: {target}, through {through}. Every node refuses from now on."),
    )
}

/// Lifts a block. What was issued before it stays dead.
pub async fn restore(visit: &Visit, kill: cli::Kill) -> Result<ExitCode> {
    let target = target(&kill)?;
    let order = Order::Restore { kind: target.kind().to_string(), name: target.name(), reason: kill.reason };
    let through = order::carry_out(visit, &order).await?.through;
    visit.tell(
        &json!({ "restored": target.to_string(), "through": through }),
        format!("restored: {target}, through {through}. Tokens issued before the revocation stay dead."),
    )
}

/// Everything that is revoked now.
pub async fn revoked(visit: &Visit) -> Result<ExitCode> {
    let (_, store) = visit.open().await?;
    let blocks: Vec<_> = store.all_blocks().await?.into_iter().filter(|block| block.lifted_at.is_none()).collect();
    if visit.json {
        let blocks = blocks.iter().map(|block| {
            json!({"kind": block.target.kind().as_str(), "name": block.target.name(), "since": block.at, "reason": block.reason})
        });
        output::json(&blocks.collect::<Vec<_>>())?;
    } else {
        output::table(
            &["REVOKED", "SINCE", "REASON"],
            blocks.iter().map(|block| vec![block.target.to_string(), block.at.to_string(), block.reason.clone()]),
        );
    }
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
