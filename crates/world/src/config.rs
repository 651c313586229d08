//! The one file a world is started from.

use std::path::Path;

use crate::Documents;

/// What differs from world to world.
#[derive(Clone, Debug, Default)]
pub struct WorldConfig {
    /// Where state lives; SQLite in a temporary directory when left out.
    pub store: Option<String>,
    /// The data directory; one in a temporary directory when left out.
    pub data_dir: Option<std::path::PathBuf>,
    /// Another help desk in place of the usual one, by its URL.
    pub tickets: Option<String>,
    /// Further protected servers.
    pub servers: Vec<Protected>,
    /// Further keys of Ada, as YAML after a comma.
    pub ada: String,
    /// Further keys of the `clients` table, as YAML, two spaces in.
    pub clients: String,
    /// Further top-level keys, as YAML.
    pub extra: String,
}

/// A further protected server.
#[derive(Clone, Debug, Default)]
pub struct Protected {
    /// Its name.
    pub name: String,
    /// Its MCP endpoint.
    pub url: String,
    /// From tool patterns to tiers.
    pub tools: Vec<(String, String)>,
    /// Further keys of the server, as YAML, four spaces in.
    pub keys: String,
}

/// Everybody's password begins like this and ends in their name.
const PASSWORD: &str = "correct horse battery staple";

pub(crate) fn password(name: &str) -> String {
    format!("{PASSWORD} {name}")
}

impl WorldConfig {
    /// The configuration file.
    ///
    /// Ada works, Bob approves, Root administers; the autonomous agents are Ada's.
    pub(crate) fn yaml(
        &self,
        url: &str,
        listen: &str,
        data: &Path,
        tickets: &str,
        documents: &Documents,
        keys: &[(&str, crypto::AgentKey)],
    ) -> String {
        let host = documents.host();
        let ca_file = documents.ca_file().display();
        let data = data.display();
        let [ada, bob, root] = ["ada", "bob", "root"].map(password);
        // `export_customers` matches no rule: nobody has looked at it yet, so it is held.
        let looked_at = tickets::TIERS.iter().filter(|(tool, _)| *tool != "export_customers");
        let rules: String = looked_at.map(|(tool, tier)| format!("      {tool}: {tier}\n")).collect();
        let servers: String = self.servers.iter().map(server).collect();
        let agent_servers: String = self.servers.iter().map(|server| format!(", {}", server.name)).collect();
        let agents: String = keys.iter().map(|(name, key)| agent(name, key, &agent_servers)).collect();
        let store = self.store.clone().unwrap_or_else(|| format!("sqlite:{data}"));
        let Self { clients, extra, ada: more, .. } = self;
        format!(
            "\
public_url: {url}
listen: {listen}
store: {store}
data_dir: {data}
people:
  ada: {{ name: Ada Lovelace, password: \"{ada}\"{more} }}
  bob: {{ name: Bob Approver, password: \"{bob}\", roles: [approver] }}
  root: {{ name: Root Admin, password: \"{root}\", roles: [admin] }}
agents:
{agents}clients:
  metadata_domains: [\"localhost\"]
  extra_ca_file: {ca_file}
  exempt_hosts: [\"{host}\"]
{clients}servers:
  tickets:
    url: {tickets}
    title: Acme help desk
    tools:
{rules}{servers}{extra}"
        )
    }
}

fn agent(name: &str, key: &crypto::AgentKey, servers: &str) -> String {
    let key = key.public_jwk();
    // One that asks again and again, and one that is built on an SDK.
    let pending = if name == "weekly" { "token" } else { "poll" };
    format!(
        "  {name}:\n    owner: ada\n    purpose: Clean up tickets at night\n    public_key: {key}\n    servers: [tickets{servers}]\n    pending: {pending}\n"
    )
}

fn server(Protected { name, url, tools, keys }: &Protected) -> String {
    let rules: String = tools.iter().map(|(tool, tier)| format!("      \"{tool}\": {tier}\n")).collect();
    format!("  {name}:\n    url: {url}\n    tools:\n{rules}{keys}")
}
