//! `init`: from the servers somebody already uses to a configuration.
//!
//! Connects to each, lists its tools and proposes a tier for every one. The proposal is a
//! starting point that a person reads: names are what the server says of itself.

use std::{collections::BTreeMap, fmt::Write, process::ExitCode};

use anyhow::{Context, Result, bail};
use client::ListedTool;
use model::{Tier, config::PublicUrl, server::is_server_name};
use serde_json::Value;

use super::Visit;
use crate::{cli, node, output};

/// Runs `init`.
pub async fn run(visit: &Visit, options: cli::Init) -> Result<ExitCode> {
    node::log_to_stderr("error");
    let file = &visit.file;
    if file.exists() && !options.force {
        bail!("{} exists; name another file with --config, or replace it with --force", file.display());
    }
    let public_url = PublicUrl::try_from(options.public_url.clone()).map_err(|why| anyhow::anyhow!(why))?;
    let mut wanted = BTreeMap::new();
    if let Some(import) = &options.import {
        let text = std::fs::read_to_string(import).with_context(|| format!("{} can not be read", import.display()))?;
        import_servers(&text, &mut wanted).with_context(|| import.display().to_string())?;
    }
    for server in &options.servers {
        let (name, url) = server.split_once('=').with_context(|| format!("--server {server}: write NAME=URL"))?;
        wanted.insert(server_name(name), url.to_owned());
    }
    if wanted.is_empty() {
        bail!("name a server with --server NAME=URL, or import a file that lists some with --import FILE");
    }
    let mut servers = Vec::new();
    for (name, url) in wanted {
        let tools = client::list_tools(&net::WebClient::new(None)?, &url, &BTreeMap::new()).await;
        match &tools {
            Ok(tools) => output::line(format!("{name}: {} tools", tools.len())),
            Err(error) => output::warn(format!("{name}: {error}; its tools are held until rules name them")),
        }
        servers.push((name, url, tools.unwrap_or_default()));
    }
    std::fs::write(file, render(&public_url, &servers))
        .with_context(|| format!("{} can not be written", file.display()))?;
    output::line(format!("\n{} is written. Read the proposed tiers, add your people, then:", file.display()));
    output::line(format!("  portcullis check --config {0}\n  portcullis serve --config {0}", file.display()));
    Ok(output::OK)
}

/// Takes the servers with a URL; says what it leaves out.
fn import_servers(text: &str, wanted: &mut BTreeMap<String, String>) -> Result<()> {
    let file: Value = serde_json::from_str(text).context("is not JSON")?;
    let servers = file["mcpServers"].as_object().or_else(|| file["servers"].as_object());
    let servers = servers.context("has neither `mcpServers` nor `servers`")?;
    for (name, server) in servers {
        match server["url"].as_str() {
            Some(url) => {
                wanted.insert(server_name(name), url.to_owned());
            }
            None => output::warn(format!(
                "{name}: is started as a command; put it behind an HTTP transport and name its URL with --server"
            )),
        }
    }
    Ok(())
}

fn server_name(text: &str) -> String {
    let mut name: String = text
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' })
        .take(64)
        .collect();
    name = name.trim_matches(['-', '_']).to_owned();
    if is_server_name(&name) { name } else { "server".into() }
}

/// What a tool could do, by the first word of its name; in doubt the highest tier.
///
/// Annotations are not looked at: a server that calls itself harmless proves nothing.
/// Spec: MCP 2026-07-28 server/tools (annotations are untrusted).
fn proposed(tool: &ListedTool) -> Tier {
    const READS: [&str; 9] = ["get", "list", "read", "search", "find", "show", "describe", "query", "fetch"];
    const WRITES: [&str; 9] = ["create", "add", "update", "set", "edit", "comment", "assign", "tag", "draft"];
    let name = tool.name.to_ascii_lowercase();
    let verb = |verbs: &[&str]| name.split(['_', '-', '.', '/']).next().is_some_and(|first| verbs.contains(&first));
    if verb(&READS) {
        Tier::Low
    } else if verb(&WRITES) {
        Tier::Medium
    } else {
        Tier::High
    }
}

fn render(public_url: &PublicUrl, servers: &[(String, String, Vec<ListedTool>)]) -> String {
    let mut out = String::new();
    let _ = write!(
        out,
        "# Portcullis. The keys are described by `portcullis schema`; `portcullis check` says what is wrong.\n\
         public_url: {}\n\nservers:\n",
        public_url.as_str()
    );
    for (name, url, tools) in servers {
        let _ = write!(out, "  {name}:\n    url: {}\n", quoted(url));
        out.push_str(
            "    # low: usable at once. medium: after the person's consent. high: after another person's approval.\n",
        );
        out.push_str("    # The first match wins; `*` stands for any characters; what matches nothing is held.\n");
        if tools.is_empty() {
            out.push_str("    tools: {}\n");
            continue;
        }
        out.push_str("    tools:\n");
        for tier in Tier::ALL {
            for tool in
                tools.iter().filter(|tool| proposed(tool) == tier && tool.name.parse::<model::ToolName>().is_ok())
            {
                let says: String = tool
                    .description
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(80)
                    .collect();
                let _ = writeln!(out, "      {}: {tier}  # {says}", quoted(&tool.name));
            }
        }
    }
    out.push_str(
        "\n# Who may log in. `portcullis person add NAME --role approver` makes a link with which they set a password;\n\
         # or declare people here, with secrets by reference only.\n\
         people: {}\n\
         #  ada: { name: Ada, password: \"${env:ADA_PASSWORD}\", roles: [admin] }\n\
         #  bob: { name: Bob, password: \"${file:/run/secrets/bob}\", roles: [approver] }\n\n\
         # Which clients may ask people for access: the hosts of their metadata documents.\n\
         clients:\n  metadata_domains: [claude.ai, vscode.dev]\n",
    );
    out
}

/// A YAML scalar that means this text, whatever is in it.
fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str) -> ListedTool {
        ListedTool { name: name.into(), description: "x: #\ny".into() }
    }

    #[test]
    fn in_doubt_the_proposal_is_high() {
        assert_eq!(proposed(&tool("get_ticket")), Tier::Low);
        assert_eq!(proposed(&tool("update-ticket")), Tier::Medium);
        for name in ["delete_ticket", "transmogrify", "", "getaway", "execute_query"] {
            assert_eq!(proposed(&tool(name)), Tier::High, "{name}");
        }
    }

    #[test]
    fn what_is_written_is_a_configuration() {
        let url = PublicUrl::try_from("http://localhost:8420".to_owned()).unwrap();
        let tools = vec![tool("get_x"), tool("drop\n evil: high"), tool("*")];
        let text = render(&url, &[("a".into(), "http://127.0.0.1:1/mcp".into(), tools)]);
        let config: model::config::Config = serde_saphyr::from_str(&text).unwrap();
        let server = config.servers.values().next().unwrap();
        assert_eq!(server.tools.tier(&"get_x".parse().unwrap()), Some(Tier::Low));
        assert_eq!(server.tools.iter().count(), 1, "names that are none are left out: {text}");
    }

    #[test]
    fn an_import_takes_what_has_a_url() {
        let mut wanted = BTreeMap::new();
        let text = r#"{"mcpServers":{"My Tickets!":{"url":"http://x/mcp"},"fs":{"command":"npx"}}}"#;
        import_servers(text, &mut wanted).unwrap();
        assert_eq!(wanted.keys().collect::<Vec<_>>(), ["my-tickets"]);
        assert!(import_servers("{}", &mut wanted).is_err() && import_servers("nope", &mut wanted).is_err());
    }
}
