//! Scopes: derived from servers, tools and tiers, never typed by hand.
//!
//! The low and the medium tier of a server are one bucket each, `tickets:low` and
//! `tickets:medium`. In the high tier every tool is its own scope, `tickets.delete_ticket`,
//! so that nobody is ever asked to approve "everything dangerous". A rule of resources is `files:resource/docs`, a prompt
//! `files:prompt/summarize`.
//!
//! Spec: RFC 6749 §3.3 (grammar), MCP 2026-07-28 basic/authorization (hierarchies).

use std::{borrow::Cow, collections::BTreeSet, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Id, Server, Tier, ToolName, server::is_server_name};

/// One scope of one server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// All tools of the server's low tier: the baseline.
    Low(Id<Server>),
    /// All tools of the server's medium tier. Implies the low one.
    Medium(Id<Server>),
    /// One tool of the server's high tier.
    Tool(Id<Server>, ToolName),
}

impl Scope {
    /// The scope that a call of `tool` needs in `tier`.
    pub fn needed(server: &Id<Server>, tool: &ToolName, tier: Tier) -> Self {
        match tier {
            Tier::Low => Self::Low(server.clone()),
            Tier::Medium => Self::Medium(server.clone()),
            Tier::High => Self::Tool(server.clone(), tool.clone()),
        }
    }

    /// The server whose tools this scope opens.
    pub fn server(&self) -> &Id<Server> {
        match self {
            Self::Low(server) | Self::Medium(server) | Self::Tool(server, _) => server,
        }
    }

    /// The tier of the tools this scope opens.
    pub const fn tier(&self) -> Tier {
        match self {
            Self::Low(_) => Tier::Low,
            Self::Medium(_) => Tier::Medium,
            Self::Tool(..) => Tier::High,
        }
    }

    /// Does holding `self` include `other`? A broader bucket implies the narrower one.
    pub fn implies(&self, other: &Self) -> bool {
        self == other || matches!((self, other), (Self::Medium(a), Self::Low(b)) if a == b)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Low(server) => write!(f, "{server}:low"),
            Self::Medium(server) => write!(f, "{server}:medium"),
            Self::Tool(server, tool) => f.write_str(&tool.qualified(server)),
        }
    }
}

/// Why a text is not a scope of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a scope here: scopes are `server:low`, `server:medium`, `server.tool`, \
     `server:resource/rule` or `server:prompt/name`"
)]
pub struct UnknownScope(pub String);

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        let unknown = || UnknownScope(text.chars().filter(|c| c.is_ascii_graphic()).take(80).collect());
        let at = text.find(['.', ':']).ok_or_else(unknown)?;
        let (server, rest) = text.split_at(at);
        if !is_server_name(server) {
            return Err(unknown());
        }
        let server: Id<Server> = server.parse().map_err(|_| unknown())?;
        match rest {
            ":low" => Ok(Self::Low(server)),
            ":medium" => Ok(Self::Medium(server)),
            _ => ToolName::after_server(rest).map(|tool| Self::Tool(server, tool)).ok_or_else(unknown),
        }
    }
}

/// A set of scopes, written as the space-separated list of the `scope` parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeSet(BTreeSet<Scope>);

impl ScopeSet {
    /// Does any member imply `scope`?
    pub fn covers(&self, scope: &Scope) -> bool {
        self.0.iter().any(|held| held.implies(scope))
    }

    /// Adds `scope`.
    pub fn insert(&mut self, scope: Scope) {
        self.0.insert(scope);
    }

    /// The members in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    /// Is it empty?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl Extend<Scope> for ScopeSet {
    fn extend<I: IntoIterator<Item = Scope>>(&mut self, scopes: I) {
        self.0.extend(scopes);
    }
}

impl IntoIterator for ScopeSet {
    type Item = Scope;
    type IntoIter = std::collections::btree_set::IntoIter<Scope>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, scope) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            scope.fmt(f)?;
        }
        Ok(())
    }
}

impl FromStr for ScopeSet {
    type Err = UnknownScope;

    /// At most 64 scopes, one space between two.
    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        let parts: Vec<&str> = text.split(' ').filter(|part| !part.is_empty()).collect();
        if parts.len() > 64 {
            return Err(UnknownScope(format!("a list of {} scopes", parts.len())));
        }
        parts.into_iter().map(str::parse).collect()
    }
}

impl Serialize for ScopeSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ScopeSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for ScopeSet {
    fn schema_name() -> Cow<'static, str> {
        "ScopeSet".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "description": "Scopes, separated by spaces."})
    }
}

impl JsonSchema for Scope {
    fn schema_name() -> Cow<'static, str> {
        "Scope".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "description": "One scope."})
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_reads_back_as_it_is_written() {
        for text in [
            "tickets:low",
            "tickets:medium",
            "tickets.delete_ticket",
            "a-b.x.y/z",
            "files:resource/docs",
            "files:prompt/a.b-C",
        ] {
            assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn there_is_no_scope_for_a_whole_high_tier() {
        assert!("tickets:high".parse::<Scope>().is_err());
    }

    /// Spec: RFC 6749 §3.3
    #[test]
    fn scopes_outside_the_grammar_are_refused() {
        for bad in [
            "",
            "tickets",
            "tickets:*",
            "tickets.",
            ".x",
            "Tickets:low",
            "t\"x:low",
            "t.a b",
            "t.\u{a0}",
            "-t:low",
            "t:resource/",
            "t:resource/A",
            "t:prompt/",
            "t:prompt/a:b",
            "t:resource",
            "t.:resource/a",
        ] {
            assert!(bad.parse::<Scope>().is_err(), "{bad:?}");
        }
        assert!(vec!["t:low"; 65].join(" ").parse::<ScopeSet>().is_err());
    }

    /// Spec: MCP 2026-07-28 basic/authorization (scope hierarchies)
    #[test]
    fn the_medium_bucket_implies_the_low_one_of_the_same_server_only() {
        let held: ScopeSet = "tickets:medium".parse().unwrap();
        assert!(held.covers(&"tickets:low".parse().unwrap()));
        assert!(!held.covers(&"files:low".parse().unwrap()));
        assert!(!held.covers(&"tickets.delete_ticket".parse().unwrap()));
        let low: ScopeSet = "tickets:low".parse().unwrap();
        assert!(!low.covers(&"tickets:medium".parse().unwrap()));
    }
}
