//! `agent`: who acts here, whose it is, and what for.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use crypto::AgentKey;
use model::{AgentState, Id};
use serde_json::json;
use store::Store;

use super::{
    order,
    visit::{AT_A_TIME, Visit},
};
use crate::{cli, node::order::Order, output};

/// Runs `agent …`.
pub async fn run(visit: &Visit, command: cli::Agent) -> Result<ExitCode> {
    match command {
        cli::Agent::List => list(visit).await,
        cli::Agent::Show { name } => show(visit, &name).await,
        cli::Agent::Keygen { name, out } => keygen(visit, &name, out),
        cli::Agent::Suspend { name } => set(visit, &name, AgentState::Suspended).await,
        cli::Agent::Resume { name } => set(visit, &name, AgentState::Active).await,
        cli::Agent::Eligible { name, off } => eligible(visit, &name, !off).await,
        cli::Agent::Sponsor { name, person, .. } => sponsor(visit, &name, person).await,
        cli::Agent::Retire { name } => set(visit, &name, AgentState::Retired).await,
    }
}

async fn list(visit: &Visit) -> Result<ExitCode> {
    let (_, store) = visit.open().await?;
    let revoked = |agent: &model::Agent| governance::inventory::stopped_by(&store, agent);
    let mut listing = output::Listing::of(visit.json, &["AGENT", "OWNER", "KIND", "ASSURANCE", "STATE", "PURPOSE"]);
    let mut after = None;
    loop {
        let page = store.agents_page(after.as_ref(), AT_A_TIME).await?;
        for agent in &page.items {
            let whole = || {
                let mut shown = serde_json::to_value(agent)?;
                shown["revoked"] = revoked(agent).map(|block| block.reason).into();
                Ok(shown)
            };
            let row = || {
                vec![
                    agent.id.to_string(),
                    agent.owner.to_string(),
                    agent.kind.to_string(),
                    agent.assurance.to_string(),
                    revoked(agent).map_or_else(|| agent.state.to_string(), |_| "revoked".to_owned()),
                    agent.purpose.clone(),
                ]
            };
            listing.push(whole, row)?;
        }
        listing.page();
        after = page.next;
        if after.is_none() {
            return Ok(listing.end());
        }
    }
}

async fn show(visit: &Visit, name: &str) -> Result<ExitCode> {
    let (_, store) = visit.open().await?;
    let agent = found(&store, name).await?;
    let grants = store.grants_of(&agent.id).await?;
    let revoked = governance::inventory::stopped_by(&store, &agent).map(|block| block.reason);
    if visit.json {
        output::json(&json!({"agent": agent, "grants": grants, "revoked": revoked}))?;
        return Ok(output::OK);
    }
    output::sheet([
        ("agent", agent.id.to_string()),
        ("title", agent.title.clone()),
        ("owner", agent.owner.to_string()),
        ("sponsor", agent.sponsor.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("purpose", agent.purpose.clone()),
        ("kind", agent.kind.to_string()),
        ("client", agent.client.to_string()),
        ("assurance", agent.assurance.to_string()),
        ("state", agent.state.to_string()),
        ("above low", if agent.eligible_only { "only what it asked for".to_owned() } else { String::new() }),
        ("revoked", revoked.unwrap_or_default()),
        ("since", agent.created_at.to_string()),
    ]);
    if !grants.is_empty() {
        output::line("");
        super::grant::print(&grants);
    }
    Ok(output::OK)
}

fn keygen(visit: &Visit, name: &str, out: Option<PathBuf>) -> Result<ExitCode> {
    let id: Id<model::Agent> = name.parse()?;
    let file = out.unwrap_or_else(|| PathBuf::from(format!("{id}.pem")));
    let key = AgentKey::generate();
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&file)
        .and_then(|mut out| out.write_all(key.to_pkcs8_pem().as_bytes()))
        .with_context(|| format!("{} can not be written", file.display()))?;
    let public = key.public_jwk();
    visit.tell(
        &json!({"private_key_file": file, "public_key": public}),
        format!(
            "The private key is in {}, for its owner only. Put the public one into the configuration:\n\nagents:\n  {id}:\n    \
             owner: NAME-OF-A-PERSON\n    purpose: What it is for\n    servers: [NAME-OF-A-SERVER]\n    public_key: {public}",
            file.display()
        ),
    )
}

async fn set(visit: &Visit, name: &str, state: AgentState) -> Result<ExitCode> {
    let id: Id<model::Agent> = name.parse()?;
    let through = order::carry_out(visit, &Order::SetAgent { name: id.to_string(), state }).await?.through;
    visit.tell(
        &json!({"agent": id, "state": state, "through": through}),
        format!("{id} is {state} on every node, through {through}"),
    )
}

async fn eligible(visit: &Visit, name: &str, eligible_only: bool) -> Result<ExitCode> {
    let id: Id<model::Agent> = name.parse()?;
    let through =
        order::carry_out(visit, &Order::SetEligibleOnly { name: id.to_string(), eligible_only }).await?.through;
    let now = if eligible_only {
        "has to ask for whatever is above the low tier"
    } else {
        "may do what policies let it do without being asked"
    };
    visit.tell(
        &json!({"agent": id, "eligible_only": eligible_only, "through": through}),
        format!("{id} {now}, on every node, through {through}"),
    )
}

async fn sponsor(visit: &Visit, name: &str, sponsor: Option<String>) -> Result<ExitCode> {
    let id: Id<model::Agent> = name.parse()?;
    let order = Order::SetSponsor { name: id.to_string(), sponsor: sponsor.clone() };
    let through = order::carry_out(visit, &order).await?.through;
    let who = sponsor.as_deref().unwrap_or("nobody");
    visit.tell(
        &json!({"agent": id, "sponsor": sponsor, "through": through}),
        format!("the sponsor of {id} is {who}, through {through}"),
    )
}

async fn found(store: &Store, name: &str) -> Result<model::Agent> {
    let id: Id<model::Agent> = name.parse()?;
    let agent = store.agent(&id).await?;
    agent.with_context(|| format!("there is no agent `{name}`; `portcullis agent list` shows them all"))
}
