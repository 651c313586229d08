//! `revoke` and `restore`: the kill switch.

use std::process::ExitCode;

use anyhow::{Result, bail};
use governance::GovernanceError;
use model::{Actor, Target};
use serde_json::json;
use store::StoreError;

use super::Visit;
use crate::{
    cli,
    config::Needs,
    node::control::{self, Answer, Question},
    output,
};

/// Turns the kill switch, and returns once every node refuses. The node that runs here turns it; when none answers, the
/// store is asked.
pub async fn revoke(visit: &Visit, kill: cli::Kill) -> Result<ExitCode> {
    let target = target(&kill)?;
    let config = visit.config(Needs::Store)?;
    let question =
        Question::Revoke { kind: target.kind().to_owned(), name: target.name(), reason: kill.reason.clone() };
    let through = match control::asked(&config.data_dir, &question).await {
        Some(Answer::Everywhere) => "the running node",
        Some(Answer::NotEverywhere(nodes)) => bail!(StoreError::NotEverywhere(nodes)),
        Some(Answer::Refused(why)) => bail!(why),
        // The node could not reach its store, or none runs here: another connection may.
        Some(Answer::NotDone(_)) | None => {
            let (config, store) = visit.open().await.map_err(|error| not_done(visit, error))?;
            governance::check_named(&config, &target)?;
            let turned = governance::revoke(&store, &target, Actor::Operator, &kill.reason).await;
            turned.map_err(|error| match error {
                GovernanceError::Store(error) => not_done(visit, error.into()),
                error => error.into(),
            })?;
            store.wait_until_everywhere().await?;
            // A node would do it by and by; none may run.
            if let Err(error) = governance::write_ends(&store).await {
                tracing::warn!(event = "sweep_failed", %error, "what this ended is written down later");
            }
            "the store"
        }
    };
    visit.tell(
        &json!({ "revoked": target.to_string(), "through": through }),
        format!("revoked: {target}, through {through}. Every node refuses from now on."),
    )?;
    Ok(output::OK)
}

/// Nobody may take a revocation that failed for one that was made, and there is a way that needs no store.
fn not_done(visit: &Visit, error: anyhow::Error) -> anyhow::Error {
    let data_dir = visit.config(Needs::Store).map_or_else(|_| "data_dir".into(), |config| config.data_dir);
    let deny_all = data_dir.join("deny-all");
    error.context(format!(
        "nothing was revoked; `touch {}` stops the node of this machine without its store",
        deny_all.display()
    ))
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

/// Everything that is revoked now.
pub async fn revoked(visit: &Visit) -> Result<ExitCode> {
    let (_, store) = visit.open().await?;
    let blocks: Vec<_> = store.all_blocks().await?.into_iter().filter(|block| block.lifted_at.is_none()).collect();
    if visit.json {
        let blocks = blocks.iter().map(|block| {
            json!({"kind": block.target.kind(), "name": block.target.name(), "since": block.at, "reason": block.reason})
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
