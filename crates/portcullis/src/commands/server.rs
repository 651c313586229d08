//! `server` and `tool`: what is protected, and by which rules.

use std::{collections::BTreeMap, process::ExitCode};

use anyhow::{Context, Result};
use catalogue::Listed;
use client::Extent;
use model::{
    Class, HeldFor, Id, Pin, Scope, Tier, ToolName,
    config::{Config, ServerConfig},
};
use serde_json::json;

use super::{
    definition,
    init::render,
    offer::{self, Offer},
    visit::Visit,
};
use crate::{cli, config, output};

/// Runs `server …`.
pub async fn run(visit: &Visit, command: cli::Server) -> Result<ExitCode> {
    let config = visit.config(config::Needs::Servers)?;
    match command {
        cli::Server::List => {
            if visit.json {
                let rows: Vec<_> = config
                    .servers
                    .iter()
                    .map(|(id, server)| json!({"server": id, "mcp_url": config.public_url.resource(id), "upstream": server.url, "tools": server.tools}))
                    .collect();
                output::json(&rows)?;
            } else {
                output::table(
                    &["SERVER", "MCP URL", "UPSTREAM", "RULES"],
                    config.servers.iter().map(|(id, server)| {
                        let rules: Vec<String> = server
                            .tools
                            .iter()
                            .map(|(pattern, tier)| format!("{}: {tier}", pattern.as_str()))
                            .collect();
                        vec![id.to_string(), config.public_url.resource(id), server.url.to_string(), rules.join(", ")]
                    }),
                );
            }
        }
        cli::Server::Show { name } => {
            let id: Id<model::Server> = name.parse()?;
            let server = config.servers.get(&id);
            let server =
                server.with_context(|| format!("there is no server `{name}`; `portcullis server list` shows them"))?;
            let offer = offer::of(server, Extent::Tools).await?;
            print(visit, &classified(&id, server, &offer.tools, |_| Pin::Accepted));
            left_out(&id, &offer);
        }
    }
    Ok(output::OK)
}

/// Runs `tool …`.
pub async fn run_tool(visit: &Visit, command: cli::Tool) -> Result<ExitCode> {
    let command = match command {
        cli::Tool::Held => return definition::held(visit).await,
        cli::Tool::Show { tool } => return definition::show(visit, &tool).await,
        cli::Tool::Accept { tool, definition: Some(definition), .. } => {
            return definition::accept(visit, &tool, &definition).await;
        }
        cli::Tool::Accept { tool, definition: None, .. } => return definition::accept_new(visit, &tool).await,
        command => command,
    };
    let config = visit.config(config::Needs::Servers)?;
    let offers = match command {
        cli::Tool::Held | cli::Tool::Show { .. } | cli::Tool::Accept { .. } => Vec::new(),
        cli::Tool::List { group } => {
            if let Some(group) = &group {
                known_group(&config, group)?;
            }
            let offers = everything(&config, Extent::Tools).await;
            // Before the first start there is no store, and nothing was accepted that could be something else.
            let pins = visit.open().await.map(|(_, store)| store.pins()).unwrap_or_default();
            let mut tools = Vec::new();
            for (id, server, offer) in &offers {
                let of = |tool: &ToolName| if pins.is_listed(id) { pins.pin(id, tool) } else { Pin::Accepted };
                tools.extend(offer.iter().flat_map(|offer| classified(id, server, &offer.tools, of)));
            }
            tools.retain(|tool| group.as_ref().is_none_or(|group| tool.groups.contains(group)));
            print(visit, &tools);
            offers
        }
        cli::Tool::Propose => {
            let offers = everything(&config, Extent::Everything).await;
            propose(visit, &offers)?;
            offers
        }
    };
    let mut silent = false;
    for (id, _, offer) in &offers {
        match offer {
            Ok(offer) => left_out(id, offer),
            Err(error) => {
                silent = true;
                output::warn(format!("server {id} is not listed: {error:#}"));
            }
        }
    }
    Ok(if silent { ExitCode::from(output::NO) } else { output::OK })
}

/// # Errors
/// No server has that group; with those that there are.
fn known_group(config: &Config, group: &str) -> Result<()> {
    let of = |(id, server): (&Id<model::Server>, &ServerConfig)| {
        server.groups.iter().map(|(group, _)| format!("{id}.{group}")).collect::<Vec<_>>()
    };
    let all: Vec<String> = config.servers.iter().flat_map(of).collect();
    if all.iter().any(|known| known == group) {
        return Ok(());
    }
    let there =
        if all.is_empty() { "no server has `groups`".to_owned() } else { format!("there are {}", all.join(", ")) };
    anyhow::bail!("`{group}` is no group of tools; {there}")
}

fn propose(visit: &Visit, offers: &[Answered<'_>]) -> Result<()> {
    let proposals: BTreeMap<&Id<model::Server>, String> = offers
        .iter()
        .filter_map(|(id, server, offer)| Some((*id, render::missing(server, offer.as_ref().ok()?))))
        .filter(|(_, proposal)| !proposal.is_empty())
        .collect();
    if visit.json {
        return output::json(&proposals);
    }
    if proposals.is_empty() {
        output::line("everything that is listed has a rule");
    } else {
        output::line("# Read these before they go into the file, into the tables that are there.\nservers:");
        for (id, proposal) in proposals {
            output::line(format!("  {id}:\n{}", output::clean(proposal.trim_end())));
        }
    }
    Ok(())
}

fn left_out(id: &Id<model::Server>, offer: &Offer) {
    for out in &offer.left_out {
        output::warn(format!("{id}.{}: {}", out.name, out.why));
    }
    offer.endless.iter().for_each(|endless| output::warn(format!("{id}: {endless}")));
}

/// A tool with what the rules say of it.
#[derive(serde::Serialize)]
pub struct Classified {
    /// `server.tool`.
    pub tool: String,
    /// Its tier; high when no rule names it.
    pub tier: Tier,
    /// Nobody can call it: no rule names it, its name is none, or nobody accepted what it says of itself.
    pub held: bool,
    /// What it waits for.
    pub held_for: Option<HeldFor>,
    /// The scope that opens it.
    pub scope: Option<Scope>,
    /// The groups that it is in: `server.group`.
    pub groups: Vec<String>,
    /// What it says it does.
    pub description: String,
}

/// The tools a server lists, with their tiers.
pub fn classified(
    id: &Id<model::Server>,
    server: &ServerConfig,
    tools: &[Listed],
    pin: impl Fn(&ToolName) -> Pin,
) -> Vec<Classified> {
    tools
        .iter()
        .map(|tool| {
            let name: Option<ToolName> = tool.name.parse().ok();
            let class = name.as_ref().map_or(Class::Held(HeldFor::Tier), |name| Class::of(server, name, &pin));
            Classified {
                tool: format!("{id}.{}", tool.name),
                tier: class.tier(),
                held: class.held().is_some(),
                held_for: class.held(),
                groups: name
                    .iter()
                    .flat_map(|name| server.groups.of(name))
                    .map(|group| format!("{id}.{group}"))
                    .collect(),
                scope: name.map(|name| Scope::needed(id, &name, class.tier())),
                description: tool.description.lines().next().unwrap_or_default().to_owned(),
            }
        })
        .collect()
}

/// A server of the configuration with what it offers, or why it says nothing.
pub type Answered<'c> = (&'c Id<model::Server>, &'c ServerConfig, Result<Offer>);

/// So many servers are asked at a time.
const AT_A_TIME: usize = 16;

/// What every server offers; one that does not answer within the time that a call would have does not hold the others up
/// for longer.
pub async fn everything(config: &Config, extent: Extent) -> Vec<Answered<'_>> {
    let mut answered = Vec::new();
    let servers: Vec<_> = config.servers.iter().collect();
    for some in servers.chunks(AT_A_TIME) {
        let asked: Vec<_> = some
            .iter()
            .map(|(_, server)| {
                let (server, patience) = ((*server).clone(), server.timeout.unwrap_or(config.limits.upstream_timeout));
                tokio::spawn(async move {
                    let within = std::time::Duration::from_secs(patience.seconds());
                    let answer = tokio::time::timeout(within, offer::of(&server, extent)).await;
                    answer.unwrap_or_else(|_| Err(anyhow::anyhow!("{} did not answer within {patience}", server.url)))
                })
            })
            .collect();
        for ((id, server), asked) in some.iter().zip(asked) {
            let offer = asked.await.unwrap_or_else(|_| Err(anyhow::anyhow!("its lists could not be read")));
            answered.push((*id, *server, offer));
        }
    }
    answered
}

fn print(visit: &Visit, tools: &[Classified]) {
    if visit.json {
        let _ = output::json(&tools);
        return;
    }
    output::table(
        &["TOOL", "TIER", "SCOPE", "GROUPS", "SAYS IT"],
        tools.iter().map(|tool| {
            let tier = match tool.held_for {
                None => tool.tier.to_string(),
                Some(HeldFor::Tier) => "high, held".to_owned(),
                Some(why) => format!("high, held: {why}"),
            };
            let scope = tool.scope.as_ref().filter(|_| !tool.held).map_or_else(|| "–".to_owned(), ToString::to_string);
            let groups = if tool.groups.is_empty() { "–".to_owned() } else { tool.groups.join(" ") };
            vec![tool.tool.clone(), tier, scope, groups, tool.description.clone()]
        }),
    );
}
