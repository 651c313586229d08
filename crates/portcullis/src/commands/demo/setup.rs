//! The demo's configuration: one server, three people, one autonomous agent.

use std::{collections::BTreeMap, fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use anyhow::{Context, Result};
use crypto::AgentKey;
use model::{Id, Person};
use serde_json::json;

use crate::{
    cli, config,
    node::{Node, order::offer_link},
};

/// The agent whose day is shown.
pub const AGENT: &str = "night-shift";
/// The person who answers for it.
pub const OWNER: &str = "ada";
/// The person who decides about its requests.
pub const APPROVER: &str = "bob";
/// The person in front of the screen.
pub const ADMIN: &str = "alex";
/// The demo's configuration, in its data directory.
pub const FILE: &str = "demo.yaml";

/// The configuration, read from the file that the other commands visit the demo by, and the agent's key, which is kept
/// so that the agent stays the same one.
pub fn prepare(options: &cli::Demo, upstream: &str) -> Result<(config::Loaded, AgentKey)> {
    let key = agent_key(&options.data)?;
    let port = match options.port {
        // Nothing is bound yet, so another program could still take it; then binding says so.
        0 => std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port(),
        port => port,
    };
    let file = json!({
        "public_url": format!("http://localhost:{port}"),
        "listen": format!("127.0.0.1:{port}"),
        // Relative to the file.
        "store": "sqlite:.",
        "data_dir": ".",
        "servers": {"tickets": {
            "url": upstream,
            "title": "Acme ticket desk (sample)",
            "tools": tickets::TIERS.into_iter().collect::<BTreeMap<_, _>>(),
        }},
        "people": {
            ADMIN: {"name": "Alex, in front of this screen", "roles": ["admin"]},
            OWNER: {"name": "Ada, owner of the agent"},
            APPROVER: {"name": "Bob, on call", "roles": ["approver"]},
        },
        "agents": {AGENT: {
            "title": "Night shift",
            "owner": OWNER,
            "purpose": "Closes stale tickets overnight",
            "public_key": key.public_jwk(),
            "servers": ["tickets"],
        }},
        "clients": {
            "metadata_domains": ["*"],
            "registered": {"demo-client": {
                "name": "A client on this computer",
                "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback", "http://localhost/oauth/callback"],
            }},
        },
    });
    // So that the other commands can visit the demo: every JSON text is YAML.
    let path = options.data.join(FILE);
    fs::write(&path, format!("{file:#}\n")).with_context(|| format!("{} can not be written", path.display()))?;
    let loaded = config::load(&path, config::Needs::Everything).context("the demo's configuration")?;
    Ok((loaded, key))
}

fn agent_key(data: &Path) -> Result<AgentKey> {
    let file = data.join("demo-agent.pem");
    if let Ok(pem) = fs::read_to_string(&file) {
        return AgentKey::from_pkcs8_pem(&pem)
            .with_context(|| format!("{} is not the demo agent's key; delete the file", file.display()));
    }
    fs::create_dir_all(data).with_context(|| format!("{} can not be made", data.display()))?;
    let key = AgentKey::generate();
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&file)
        .and_then(|mut out| out.write_all(key.to_pkcs8_pem().as_bytes()))
        .with_context(|| format!("{} can not be written", file.display()))?;
    Ok(key)
}

/// The one-time links with which people set a password.
pub struct Links {
    /// Of the person in front of the screen.
    pub admin: String,
    /// Of the one who decides about other people's agents.
    pub approver: String,
}

/// New links; older ones are void.
pub async fn enrolment(node: &Node) -> Result<Links> {
    let link = async |name: &str| offer_link(&node.store, &node.config, &name.parse::<Id<Person>>()?).await;
    Ok(Links { admin: link(ADMIN).await?.0, approver: link(APPROVER).await?.0 })
}
