//! `policy test`: what policies are meant to say, as tables beside them, held against what they say.
//!
//! A table speaks of agents and tools that exist, of some that do not, or of all that are known: a sentence like “no agent
//! deletes without another person” is one row.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use governance::explanation::held;
use model::{
    Agent, AgentKind, AgentState, Assurance, Authority, CallTarget, Class, ClientId, Decision, DenyReason,
    ExceptionName, HeldFor, Id, Person, Server, StepUp, Target, Tier, Timestamp, ToolName, ToolPattern, config::Config,
};
use policy::Policies;
use privilege::authority::{Asker, explain, plan};
use serde::Deserialize;
use serde_json::json;
use store::Store;

use super::{
    policy_explain::{arguments, asked},
    visit::{AT_A_TIME, Visit},
};
use crate::{config::Needs, node, output};

/// A file of tables.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    tests: Vec<Row>,
}

/// One sentence about the policies.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// What it is to say, for people.
    #[serde(default)]
    name: Option<String>,
    /// An agent by its name, or `*` for every one that is known and every kind that there could be.
    agent: String,
    /// How the agent acts, when nobody knows it.
    #[serde(default)]
    kind: Option<AgentKind>,
    /// How well its client is known, when nobody knows it.
    #[serde(default)]
    assurance: Option<Assurance>,
    /// Its owner, for whom a delegated one acts, when nobody knows it.
    #[serde(default)]
    owner: Option<Id<Person>>,
    /// `server.tool`; `*` stands for any run of characters, and then for every tool that is known.
    #[serde(default)]
    tool: Option<String>,
    /// In the place of a tool: the server for which the agent would be issued a token, or `*` for each.
    #[serde(default)]
    issue: Option<String>,
    /// The tier, where it is not the one that the rules give.
    #[serde(default)]
    tier: Option<Tier>,
    /// What the agent holds.
    #[serde(default = "standing")]
    holds: Authority,
    /// The arguments that it is called with. Without them, those count that allow the most.
    #[serde(default)]
    input: Option<serde_json::Map<String, serde_json::Value>>,
    /// The exceptions that hold for it, and no others.
    #[serde(default)]
    exceptions: Vec<ExceptionName>,
    /// Its token is bound to a key, and the request proves that key.
    #[serde(default)]
    key_proven: bool,
    /// What policy is to say.
    expect: Expected,
    /// Who has to say yes, of a step-up.
    #[serde(default)]
    by: Option<StepUp>,
    /// Policies that are to be among those that say so.
    #[serde(default)]
    policies: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Expected {
    Allow,
    StepUp,
    Deny,
}

const fn standing() -> Authority {
    Authority::Standing
}

/// Runs `policy test`.
pub async fn run(visit: &Visit, files: Vec<PathBuf>) -> Result<ExitCode> {
    let config = visit.config(Needs::Store)?;
    let files = if files.is_empty() { beside(&config)? } else { files };
    if files.is_empty() {
        bail!("there is no table: write one into a file like `policies/deletes.test.yaml`, or name a file");
    }
    // Agents and tools that are known to the store count, when there is one.
    let store = visit.open().await.ok().map(|(_, store)| store);
    let policies = match &store {
        Some(store) => node::policies_for(&config, store).await?,
        None => node::policies(&config)?,
    };
    let known = Known::of(&config, store.as_ref()).await?;
    let (mut rows, mut failed) = (0, Vec::new());
    for file in &files {
        for (number, row) in (1..).zip(read(file)?) {
            rows += 1;
            let at = format!("{}, row {number}", file.display());
            failed.extend(known.wrong(&config, &policies, &row).with_context(|| at.clone())?.map(|why| {
                let name = row.name.map(|name| format!(" ({name})")).unwrap_or_default();
                (format!("{at}{name}"), why)
            }));
        }
    }
    if visit.json {
        let failed: Vec<_> = failed.iter().map(|(at, why)| json!({"row": at, "why": why})).collect();
        output::json(&json!({"rows": rows, "failed": failed, "version": policies.fingerprint()}))?;
    } else {
        failed.iter().for_each(|(at, why)| output::line(format!("{at}: {why}")));
        output::line(format!("{} of {rows} rows hold", rows - failed.len()));
    }
    Ok(if failed.is_empty() { output::OK } else { ExitCode::from(output::NO) })
}

fn beside(config: &Config) -> Result<Vec<PathBuf>> {
    let Some(directory) = &config.policies else { return Ok(Vec::new()) };
    let entries = std::fs::read_dir(directory).with_context(|| format!("policies: {}", directory.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("policies: {}", directory.display()))?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".test.yaml")) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(file: &Path) -> Result<Vec<Row>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} can not be read", file.display()))?;
    let table: Table = serde_saphyr::from_str(&text).map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?;
    Ok(table.tests)
}

/// Who and what a row may speak of.
struct Known {
    agents: Vec<Agent>,
    tools: BTreeSet<(Id<Server>, ToolName)>,
    accepted: policy::Accepted,
}

impl Known {
    async fn of(config: &Config, store: Option<&Store>) -> Result<Self> {
        let mut tools = BTreeSet::new();
        for (id, server) in &config.servers {
            let named = Tier::ALL.into_iter().flat_map(|tier| server.examples(tier));
            tools.extend(named.map(|tool| (id.clone(), tool)));
        }
        let (mut agents, mut accepted) = (Vec::new(), policy::Accepted::default());
        if let Some(store) = store {
            accepted = node::accepted(config, store).await?;
            let mut after = None;
            loop {
                let page = store.agents_page(after.as_ref(), AT_A_TIME).await?;
                agents.extend(page.items);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            let pins = store.pins();
            for id in config.servers.keys() {
                tools.extend(pins.names(id).map(|tool| (id.clone(), tool.clone())));
            }
        }
        Ok(Self { agents, tools, accepted })
    }

    /// The first thing about which policy does not say what the row expects, if there is one.
    fn wrong(&self, config: &Config, policies: &Policies, row: &Row) -> Result<Option<String>> {
        let agents = self.agents(row)?;
        let excepted = asked(policies, &row.exceptions)?;
        let tool = match (&row.tool, &row.issue) {
            (Some(tool), None) => tool,
            (None, Some(server)) => {
                if row.input.is_some() || row.tier.is_some() || row.holds != Authority::Standing {
                    bail!("`input`, `tier` and `holds` say something of a call, and nothing of a token");
                }
                let asked = servers(config, server)?
                    .into_iter()
                    .flat_map(|server| agents.iter().map(move |agent| (server, agent)));
                return Ok(asked.into_iter().find_map(|(server, agent)| {
                    let decision = plan::token(policies, &Asker::of(agent).excepted(&excepted), server);
                    let why = row.differs(&decision)?;
                    Some(format!("{} asks for a token for {server}: {why}", described(agent)))
                }));
            }
            (None, None) => bail!("say what it is about: `tool: SERVER.TOOL`, or `issue: SERVER` for a token"),
            (Some(_), Some(_)) => {
                bail!("it is about a call of `tool` or about a token, as `issue` says, and not about both")
            }
        };
        let input = row.input.as_ref().map(serde_json::to_string).transpose()?;
        for (server, tool) in self.tools(tool)? {
            let rules = config.servers.get(&server).with_context(|| format!("there is no server `{server}`"))?;
            let class = row.tier.or_else(|| rules.tier(&tool)).map_or(Class::Held(HeldFor::Tier), Class::Rated);
            let target = CallTarget::Tool(tool.clone(), class);
            let tool = tool.qualified(&server);
            let with = arguments(&self.accepted, &tool, input.as_deref())?;
            for agent in &agents {
                let asker = Asker::of(agent).excepted(&excepted);
                let asker = if row.key_proven { asker.if_it_proved().unwrap_or(asker) } else { asker };
                let said = explain::with(policies, &asker, (&server, &target), row.holds, with);
                // What can not be compared is denied.
                let decision =
                    said.unwrap_or_else(|_| Decision::Deny { reason: DenyReason::UntypedInput, policies: Vec::new() });
                if let Some(why) = row.differs(&decision) {
                    return Ok(Some(format!("{} calls {tool} with {}: {why}", described(agent), held(row.holds))));
                }
            }
        }
        Ok(None)
    }

    fn agents(&self, row: &Row) -> Result<Vec<Agent>> {
        if row.agent != "*" {
            let id: Id<Agent> = row.agent.parse()?;
            let known = self.agents.iter().find(|agent| agent.id == id).cloned();
            let is_described = row.kind.is_some() || row.assurance.is_some() || row.owner.is_some();
            return match known.filter(|_| !is_described) {
                Some(agent) => Ok(vec![agent]),
                None if is_described => Ok(vec![imagined(
                    id,
                    row.kind.unwrap_or(AgentKind::Delegated),
                    row.assurance.unwrap_or(Assurance::Declared),
                    row.owner.clone(),
                )?]),
                None => {
                    bail!("there is no agent `{id}`; say its `kind`, `assurance` and `owner`, if it is only imagined")
                }
            };
        }
        let mut all = self.agents.clone();
        for kind in [AgentKind::Delegated, AgentKind::Autonomous] {
            for assurance in [Assurance::Declared, Assurance::Published, Assurance::Proven] {
                all.push(imagined("somebody".parse()?, kind, assurance, None)?);
            }
        }
        all.retain(|agent| row.kind.is_none_or(|kind| kind == agent.kind));
        all.retain(|agent| row.assurance.is_none_or(|assurance| assurance == agent.assurance));
        Ok(all)
    }

    fn tools(&self, tool: &str) -> Result<Vec<(Id<Server>, ToolName)>> {
        if !tool.contains('*') {
            return match Target::parse("tool", tool) {
                Ok(Target::Tool(server, tool)) => Ok(vec![(server, tool)]),
                Ok(_) => bail!("`{tool}` is no tool; write it like tickets.get_ticket"),
                Err(why) => bail!(why),
            };
        }
        let pattern = ToolPattern::new(tool.to_owned());
        let fits = |(server, tool): &&(Id<Server>, ToolName)| pattern.matches(&tool.qualified(server));
        let found: Vec<_> = self.tools.iter().filter(fits).cloned().collect();
        if found.is_empty() {
            bail!("no tool that is known fits `{tool}`, so the row says nothing");
        }
        Ok(found)
    }
}

/// The servers that a row names.
fn servers<'c>(config: &'c Config, name: &str) -> Result<Vec<&'c Id<Server>>> {
    if name == "*" {
        return Ok(config.servers.keys().collect());
    }
    let found = config.servers.keys().find(|server| server.as_str() == name);
    Ok(vec![found.with_context(|| format!("there is no server `{name}`"))?])
}

impl Row {
    /// How what policy says differs from what it is to say.
    fn differs(&self, decision: &Decision) -> Option<String> {
        let (is, by, reason) = match decision {
            Decision::Allow { .. } => (Expected::Allow, None, String::new()),
            Decision::StepUp { by, .. } => (Expected::StepUp, Some(*by), format!(" by {by}")),
            Decision::Deny { reason, .. } => (Expected::Deny, None, format!(" ({reason})")),
        };
        let said = || {
            let policies = decision.policies();
            let by = if policies.is_empty() { String::new() } else { format!(", as {} say", policies.join(", ")) };
            format!("it is {}{reason}{by}", decision.as_str())
        };
        let missing = self.policies.iter().find(|policy| !decision.policies().contains(policy));
        if is != self.expect || self.by.is_some_and(|expected| by != Some(expected)) {
            return Some(said());
        }
        missing.map(|policy| format!("{}, and {policy} is not among them", said()))
    }
}

fn described(agent: &Agent) -> String {
    format!("{} ({}, {})", agent.id, agent.kind, agent.assurance)
}

/// An agent that nobody has seen.
fn imagined(id: Id<Agent>, kind: AgentKind, assurance: Assurance, owner: Option<Id<Person>>) -> Result<Agent> {
    let owner = match owner {
        Some(owner) => owner,
        None => "somebody".parse()?,
    };
    let client: ClientId = "somebody".parse().map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(Agent {
        id,
        title: String::new(),
        owner,
        purpose: String::new(),
        kind,
        client,
        assurance,
        state: AgentState::Active,
        created_at: Timestamp::default(),
        sponsor: None,
        eligible_only: false,
    })
}
