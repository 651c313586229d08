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

/// What a tool could do, by every word of its name and the risky ones of its description; in doubt the highest tier.
///
/// Annotations are not looked at: a server that calls itself harmless proves nothing.
/// Spec: MCP 2026-07-28 server/tools (annotations are untrusted).
fn proposed(tool: &ListedTool) -> Tier {
    let words = words(&tool.name);
    let has = |risky: &[&str]| words.iter().any(|word| risky.contains(&word.as_str()));
    if has(RISKY) || says(&tool.description, GIVEN_AWAY) {
        return Tier::High;
    }
    match words.first().map(String::as_str) {
        Some(first) if READS.contains(&first) && !has(WRITES) => Tier::Low,
        Some(first) if WRITES.contains(&first) || READS.contains(&first) => Tier::Medium,
        _ if words.last().is_some_and(|last| THINGS.contains(&last.as_str())) && !has(WRITES) => Tier::Low,
        _ => Tier::High,
    }
}

const READS: &[&str] = &[
    "get",
    "list",
    "read",
    "search",
    "find",
    "show",
    "describe",
    "lookup",
    "look",
    "count",
    "convert",
    "view",
    "check",
    "compare",
    "summarize",
    "current",
    "calculate",
];
const WRITES: &[&str] = &[
    "create", "add", "update", "set", "edit", "comment", "assign", "tag", "draft", "write", "rename", "move", "copy",
    "label", "mark", "save", "append", "insert", "upload", "store", "put",
];
/// A name that is a thing and no deed: `directory_tree`, `project_status`.
const THINGS: &[&str] = &["tree", "status", "info", "stats", "summary", "schema", "version", "help"];
/// Words after which a tool is never proposed below high, wherever in its name they stand: what can not be undone, goes
/// out, runs something, opens any address, or reads what opens other doors.
const RISKY: &[&str] = &[
    "delete",
    "remove",
    "drop",
    "purge",
    "destroy",
    "truncate",
    "wipe",
    "reset",
    "kill",
    "terminate",
    "revoke",
    "cancel",
    "send",
    "mail",
    "email",
    "post",
    "publish",
    "share",
    "tweet",
    "notify",
    "message",
    "reply",
    "invite",
    "forward",
    "run",
    "exec",
    "execute",
    "eval",
    "evaluate",
    "shell",
    "command",
    "script",
    "sql",
    "query",
    "invoke",
    "deploy",
    "fetch",
    "download",
    "navigate",
    "browse",
    "crawl",
    "scrape",
    "request",
    "http",
    "url",
    "webhook",
    "click",
    "type",
    "env",
    "environment",
    "secret",
    "secrets",
    "token",
    "tokens",
    "credential",
    "credentials",
    "password",
    "passwords",
    "key",
    "keys",
    "cookie",
    "cookies",
    "export",
    "dump",
    "backup",
    "pay",
    "payment",
    "refund",
    "transfer",
    "charge",
    "purchase",
    "buy",
    "order",
    "grant",
    "permission",
    "permissions",
    "admin",
    "sudo",
    "impersonate",
    "merge",
    "push",
];
/// What a description gives away that a name does not.
const GIVEN_AWAY: &[&str] = &[
    "environment variable",
    "api key",
    "credential",
    "password",
    "secret",
    "arbitrary",
    "any url",
    "shell command",
    "execute",
    "permanently",
    "irreversibl",
    "delete",
];

fn says(description: &str, given_away: &[&str]) -> bool {
    let description = description.to_lowercase();
    given_away.iter().any(|words| description.contains(words))
}

/// The words of a name, however they are joined: `get_env`, `get-env`, `getEnv`, `HTTPRequest`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    let mut characters = name.chars().peekable();
    while let Some(c) = characters.next() {
        let begins = c.is_uppercase()
            && (before.is_lowercase()
                || before.is_numeric()
                || characters.peek().is_some_and(|next| next.is_lowercase()));
        if begins || !c.is_alphanumeric() {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            words.last_mut().into_iter().for_each(|word| word.extend(c.to_lowercase()));
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
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
            out.push_str(HELD);
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
        out.push_str(HELD);
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

/// Resources and prompts are held until somebody names them.
const HELD: &str = "    # Resources and prompts are held until a rule names them, for example:\n    # resources: { docs: { uri: \"file:///docs/*\", tier: low } }\n    # prompts: { \"summarize_*\": low }\n";

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

    /// Names of public servers.
    ///
    /// Field: O10, H5
    #[test]
    fn what_reads_secrets_goes_out_runs_or_destroys_is_never_proposed_low() {
        for name in [
            "get-env",
            "getEnv",
            "printEnv",
            "get_and_purge",
            "list_and_email",
            "fetch",
            "fetch_html",
            "get_secret_value",
            "readSecrets",
            "list_api_keys",
            "get_access_token",
            "search_and_delete",
            "read_query",
            "execute_sql",
            "run_command",
            "browser_navigate",
            "puppeteer_evaluate",
            "browser_click",
            "send_message",
            "slack_post_message",
            "create_payment",
            "list_cookies",
            "get_url",
            "HTTPRequest",
            "find_and_replace_shell",
            "merge_pull_request",
            "push_files",
            "export_customers",
        ] {
            assert_eq!(proposed(&tool(name)), Tier::High, "{name}");
        }
        for (name, description) in [
            ("get_config", "Returns all environment variables of the process"),
            ("read_note", "Reads a note, then permanently removes it"),
            ("list_settings", "Lists settings including API keys"),
            ("get_page", "Opens any URL and returns it"),
        ] {
            let tool = ListedTool { name: name.into(), description: description.into() };
            assert_eq!(proposed(&tool), Tier::High, "{name}");
        }
    }

    /// Field: H5
    #[test]
    fn what_only_reads_is_not_proposed_high_for_an_unusual_word() {
        for name in [
            "lookup_customer",
            "convert_time",
            "directory_tree",
            "get_current_time",
            "list_allowed_directories",
            "read_file",
            "search_files",
            "get_file_info",
            "git_status",
            "list_issues",
            "search_repositories",
            "get_issue",
            "read_graph",
            "search_nodes",
            "open_status",
            "list_tables",
            "describe_table",
            "getUserProfile",
            "list-events",
            "calculate_total",
        ] {
            assert_eq!(proposed(&tool(name)), Tier::Low, "{name}");
        }
        for name in [
            "write_file",
            "edit_file",
            "create_issue",
            "add_observations",
            "move_file",
            "update_page",
            "get_or_create_room",
        ] {
            assert_eq!(proposed(&tool(name)), Tier::Medium, "{name}");
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
