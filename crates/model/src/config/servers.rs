//! The `servers` table.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

use super::{AnswerBytes, ApprovalRules, Approvals, LongestConfig, ProofConfig, ToolGroups};
use crate::{Group, Id, Secret, Span, Tier, ToolName, ToolPattern, ToolRules, resource::ResourceRules, server::Kind};

/// One protected MCP server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Its MCP endpoint over http or https. Private addresses are fine: writing one here is the permission.
    #[serde(deserialize_with = "http_url")]
    #[schemars(with = "String")]
    pub url: Url,
    /// What it is called on pages; the server's name when left out.
    #[serde(default)]
    pub title: Option<String>,
    /// People's agents get tokens by the word of an identity provider of `trusted_idps` alone, and no consent page gives them any.
    #[serde(default)]
    pub enterprise_only: bool,
    /// From tool names (`*` stands for any run of characters) to tiers. The first match wins;
    /// what matches nothing is high and held until a rule names it. A tier for each environment is written
    /// `{prod: high, dev: low}`.
    #[serde(default)]
    pub tools: ToolRules,
    /// Named rules for resources: `docs: {uri: "file:///docs/*", tier: low}`. The first match wins; what matches
    /// nothing, or can be read in two ways, is high and held.
    #[serde(default)]
    pub resources: ResourceRules,
    /// From prompt names (`*` stands for any run of characters) to tiers, like `tools`.
    #[serde(default)]
    pub prompts: ToolRules,
    /// Names for several tools: `exports: ["export_*", "resource/dumps"]`. Policies know such a group as
    /// `ToolGroup::"SERVER.GROUP"`, `any_arguments` and `approvals` as `group/GROUP`. `*` stands for any run of characters;
    /// resources are named `resource/RULE`, prompts `prompt/NAME`.
    #[serde(default)]
    pub groups: ToolGroups,
    /// High-tier names (`*` stands for any run of characters) of which an approval covers any arguments. Of all others it
    /// covers the one call that was refused and asked for. Resources are named `resource/RULE`, prompts `prompt/NAME`,
    /// groups `group/GROUP`.
    #[serde(default)]
    pub any_arguments: Vec<ToolPattern>,
    /// From high-tier names (`*` stands for any run of characters) to how many different people must approve. The first match
    /// wins; for all others it is `elevation.approvals`. Resources are named `resource/RULE`, prompts `prompt/NAME`, groups
    /// `group/GROUP`.
    #[serde(default)]
    pub approvals: ApprovalRules,
    /// Which definitions of tools, prompts and templates of resources count, and which of the words that the server says of
    /// itself (`instructions`, name, title, description): with `first_seen` those of the first list, and of later ones what a
    /// person accepted; with `reviewed` only what a person accepted; with `unpinned` whatever the server says at the
    /// moment, for servers whose descriptions are never the same twice.
    #[serde(default)]
    pub definitions: DefinitionTrust,
    /// The groups of people (`people.*.groups`) that the server is for: nobody else reaches it, its lists or its tools, and
    /// an agent that acts for itself does when its owner does. For everybody when left out, for nobody when empty.
    #[serde(default, rename = "for")]
    pub reserved_for: Option<BTreeSet<Id<Group>>>,
    /// Headers sent upstream on every request: the server's own credentials.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// A PEM file of certificate authorities to trust for this server besides the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// How long it may take until its response begins, up to `limits.longest_call`; `limits.upstream_timeout` when left
    /// out. For servers with slow tools that answer in JSON; streams that only listen need no such time.
    #[serde(default)]
    pub timeout: Option<Span>,
    /// Largest JSON answer, and largest event of a stream, that is passed on, in bytes. `unlimited` on purpose only.
    #[serde(default)]
    pub answer_bytes: AnswerBytes,
    /// Whether the server's tasks can be used. With `shared`, whoever may use the server may read, continue and
    /// cancel every task on it, whoever began it. `refused` or `shared`.
    #[serde(default)]
    pub tasks: TaskAccess,
    /// How old an access token may be for each tier of this server; where it says nothing, `tokens.longest` does.
    #[serde(default)]
    pub longest: LongestConfig,
    /// For which tiers of this server a token has to be bound to a key that its client proves at each request (DPoP); where it
    /// says nothing, `tokens.proof` does.
    #[serde(default)]
    pub proof: ProofConfig,
}

impl ServerConfig {
    /// The tier of a tool, a rule of resources or a prompt; `None` when no rule names it: then it is high and held.
    pub fn tier(&self, tool: &ToolName) -> Option<Tier> {
        match tool.kind() {
            Kind::Tool(_) => self.tools.tier(tool),
            Kind::Resource(rule) => self.resources.tier(rule),
            Kind::Prompt(name) => self.prompts.tier(&name.parse().ok()?),
            Kind::Template(_) | Kind::Uri(_) | Kind::Words(_) | Kind::Unnamed(_) => None,
        }
    }

    /// Does an approval of this tool, rule of resources or prompt cover one exact call?
    pub fn approves_exact_calls(&self, tool: &ToolName) -> bool {
        !self.any_arguments.iter().any(|entry| self.groups.means(entry, tool))
    }

    /// How many people must approve this tool, rule of resources or prompt, when the server says so.
    pub fn approvals(&self, tool: &ToolName) -> Option<Approvals> {
        self.approvals.find(|entry| self.groups.means(entry, tool))
    }

    /// An example of everything that has a rule in `tier`.
    pub fn examples(&self, tier: Tier) -> impl Iterator<Item = ToolName> {
        let example = |pattern: &str| pattern.replace('*', "x");
        let tools = self.tools.iter().filter_map(move |(pattern, _)| example(pattern.as_str()).parse().ok());
        let prompts =
            self.prompts.iter().filter_map(move |(pattern, _)| ToolName::of_prompt(&example(pattern.as_str())));
        let resources = self.resources.named().map(|(name, _)| ToolName::of_resource(name));
        tools.chain(prompts).chain(resources).filter(move |tool| self.tier(tool) == Some(tier))
    }
}

/// Which definitions of a server's tools and prompts count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DefinitionTrust {
    /// What the server listed first is accepted; whatever is new or different later is held.
    #[default]
    FirstSeen,
    /// Whatever nobody accepted is held, from the first list on.
    Reviewed,
    /// Whatever the server says at the moment.
    Unpinned,
}

/// Whether the tasks of a server can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskAccess {
    /// Nobody can begin, read or cancel one.
    #[default]
    Refused,
    /// Whoever may use the server may read, continue and cancel every task on it.
    Shared,
}

fn http_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = |why: &str| serde::de::Error::custom(format!("the url {why}"));
    let url = Url::parse(&text).map_err(|_| wrong("is not a URL; write it like http://127.0.0.1:3001/mcp"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(wrong("must be http or https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("must not carry a credential; put it into `headers` as ${file:…} or ${env:…}"));
    }
    Ok(url)
}
