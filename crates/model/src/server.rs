//! Protected MCP servers, their tools, and the rules that give a tool its tier.

use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::Tier;

pub use crate::words::Words;

/// Marker of [`crate::Id`]: a protected MCP server. The id is the name in `{public_url}/mcp/{server}`.
#[derive(Debug)]
pub enum Server {}

/// Is `name` usable as a server's name: `[a-z0-9][a-z0-9_-]{0,63}`?
///
/// No dot and no colon, because both separate the server in a scope.
pub fn is_server_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && !name.starts_with(['-', '_'])
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

/// A tool's name as the upstream server lists it: 1 to 128 of `A-Z a-z 0-9 _ . - /`.
///
/// Compared code point by code point. Other characters are refused because two
/// names that look alike must not be two tools (Spec: MCP 2026-07-28 server/tools, tool names). So are names with a
/// part between slashes that is empty, `.` or `..`: a server that makes an address of a name could read
/// `get_x/../delete_x` as `delete_x`, while a rule reads `get_*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ToolName(pub(crate) Arc<str>);

impl ToolName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands for the resources of a rule wherever a tool may stand: in scopes, elevations, blocks and questions
    /// to policy. No tool can have this name.
    pub fn of_resource(rule: &str) -> Self {
        Self(format!("{RESOURCE}{rule}").into())
    }

    /// What stands for a prompt; `None` when the prompt's name could not be a tool's.
    pub fn of_prompt(name: &str) -> Option<Self> {
        name.parse::<Self>().ok().map(|name| Self(format!("{PROMPT}{name}").into()))
    }

    /// What stands for everything of one kind that no rule names.
    pub fn unnamed(kind: &str) -> Self {
        Self(format!(":{kind}").into())
    }

    /// From what follows the server's name in a scope: `.delete_ticket`, `:resource/docs`, `:prompt/summarize`.
    pub fn after_server(text: &str) -> Option<Self> {
        if let Some(rule) = text.strip_prefix(RESOURCE) {
            return crate::resource::is_rule_name(rule).then(|| Self::of_resource(rule));
        }
        match text.strip_prefix(PROMPT) {
            Some(name) => Self::of_prompt(name),
            None => text.strip_prefix('.')?.parse().ok(),
        }
    }

    /// The name together with its server's: `tickets.delete_ticket`, `tickets:resource/docs`.
    pub fn qualified(&self, server: &impl fmt::Display) -> String {
        match self.kind() {
            Kind::Tool(name) => format!("{server}.{name}"),
            _ => format!("{server}{}", self.0),
        }
    }

    /// What it stands for.
    pub fn kind(&self) -> Kind<'_> {
        let after = |prefix: &str| self.0.strip_prefix(prefix);
        if let Some(rule) = after(RESOURCE) {
            Kind::Resource(rule)
        } else if let Some(name) = after(PROMPT) {
            Kind::Prompt(name)
        } else if let Some(template) = after(TEMPLATE) {
            Kind::Template(template)
        } else if let Some(uri) = after(URI) {
            Kind::Uri(uri)
        } else if let Some(other) = after(":") {
            other.parse().map_or(Kind::Unnamed(other), Kind::Words)
        } else {
            Kind::Tool(&self.0)
        }
    }
}

const RESOURCE: &str = ":resource/";
const PROMPT: &str = ":prompt/";
pub(crate) const TEMPLATE: &str = ":template/";
pub(crate) const URI: &str = ":uri/";

/// What a [`ToolName`] stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind<'n> {
    /// A tool.
    Tool(&'n str),
    /// The resources of a rule.
    Resource(&'n str),
    /// A prompt.
    Prompt(&'n str),
    /// A template of resources, in the catalogue.
    Template(&'n str),
    /// One resource that is listed, in the catalogue.
    Uri(&'n str),
    /// What the server says of itself, in the catalogue.
    Words(Words),
    /// What no rule names, of that kind.
    Unnamed(&'n str),
}

/// Why a text is not a tool's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a tool name has 1 to 128 of the characters A-Z a-z 0-9 _ . - /, and nothing empty, `.` or `..` beside a slash"
)]
pub struct BadToolName;

impl FromStr for ToolName {
    type Err = BadToolName;

    fn from_str(text: &str) -> Result<Self, BadToolName> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'/');
        let is_path = |text: &str| text.split('/').all(|part| !matches!(part, "" | "." | ".."));
        let reads_one_way = !text.contains('/') || is_path(text);
        if (1..=128).contains(&text.len()) && text.bytes().all(fits) && reads_one_way {
            Ok(Self(text.into()))
        } else {
            Err(BadToolName)
        }
    }
}

/// For people: `delete_ticket`, `resource docs`, `prompt summarize`.
impl fmt::Display for ToolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            Kind::Tool(name) => f.write_str(name),
            Kind::Resource(rule) => write!(f, "resource {rule}"),
            Kind::Prompt(name) => write!(f, "prompt {name}"),
            Kind::Template(template) => write!(f, "template {template}"),
            Kind::Uri(uri) => write!(f, "resource {uri}"),
            Kind::Words(words) => f.write_str(words.as_str()),
            Kind::Unnamed(kind) => write!(f, "this {kind}"),
        }
    }
}

impl<'de> Deserialize<'de> for ToolName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A tool name in which `*` stands for any run of characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ToolPattern(Box<str>);

impl ToolPattern {
    /// From its text; any text is a pattern.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Does the whole of `name` fit?
    pub fn matches(&self, name: &str) -> bool {
        let mut parts = self.0.split('*');
        let Some(first) = parts.next() else { return false };
        let Some(mut rest) = name.strip_prefix(first) else { return false };
        let mut parts = parts.peekable();
        if parts.peek().is_none() {
            return rest.is_empty();
        }
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return rest.ends_with(part);
            }
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        true
    }
}

/// Ordered rules from tool names to tiers: the first match wins. A rule may give a tier for each environment; until it is
/// [settled](Self::settle) which one this is, such a rule says high.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolRules {
    rules: Vec<(ToolPattern, Tier)>,
    /// Of the rules that have a tier for each environment, which one it is, and its tiers.
    by_environment: Vec<(usize, BTreeMap<String, Tier>)>,
}

/// Why it can not be said which tier a rule gives.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoEnvironment {
    /// The configuration does not say which environment this is.
    #[error("`{0}` has a tier for each environment; say which one this is with `environment`, one of {1}")]
    Unnamed(String, String),
    /// The rule does not know this one.
    #[error("`{0}` has no tier for the environment `{1}`; it has {2}")]
    Unknown(String, String, String),
}

impl ToolRules {
    /// From rules in order.
    pub fn new(rules: impl IntoIterator<Item = (ToolPattern, Tier)>) -> Self {
        Self { rules: rules.into_iter().collect(), by_environment: Vec::new() }
    }

    /// The tier of `tool`, or `None` when no rule names it: then it is high and held.
    pub fn tier(&self, tool: &ToolName) -> Option<Tier> {
        self.rules.iter().find(|(pattern, _)| pattern.matches(tool.as_str())).map(|(_, tier)| *tier)
    }

    /// The rules in order.
    pub fn iter(&self) -> impl Iterator<Item = &(ToolPattern, Tier)> {
        self.rules.iter()
    }

    /// Gives the rules that have a tier for each environment the one of this one.
    ///
    /// # Errors
    /// A rule does not know it.
    pub fn settle(&mut self, environment: Option<&str>) -> Result<(), NoEnvironment> {
        for (at, tiers) in &self.by_environment {
            let (pattern, tier) = &mut self.rules[*at];
            let pattern = || pattern.as_str().to_owned();
            let all = || tiers.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let environment = environment.ok_or_else(|| NoEnvironment::Unnamed(pattern(), all()))?;
            let unknown = || NoEnvironment::Unknown(pattern(), environment.to_owned(), all());
            *tier = *tiers.get(environment).ok_or_else(unknown)?;
        }
        self.by_environment.clear();
        Ok(())
    }
}

/// A YAML mapping in its written order, which a `BTreeMap` or `HashMap` would lose.
impl<'de> Deserialize<'de> for ToolRules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rules;
        impl<'de> serde::de::Visitor<'de> for Rules {
            type Value = ToolRules;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping from tool names (with `*`) to low, medium or high, or to such a tier for each environment")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<ToolRules, A::Error> {
                let mut all = ToolRules::default();
                while let Some((pattern, tiers)) = map.next_entry::<String, Tiers>()? {
                    let tier = match tiers {
                        Tiers::Same(tier) => tier,
                        Tiers::ByEnvironment(tiers) => {
                            all.by_environment.push((all.rules.len(), tiers));
                            Tier::High
                        }
                    };
                    all.rules.push((ToolPattern::new(pattern), tier));
                }
                Ok(all)
            }
        }
        deserializer.deserialize_map(Rules)
    }
}

impl Serialize for ToolRules {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.rules.iter().map(|(pattern, tier)| (pattern.as_str(), tier)))
    }
}

/// What stands behind a name: `high`, or `{prod: high, dev: low}`.
enum Tiers {
    Same(Tier),
    ByEnvironment(BTreeMap<String, Tier>),
}

impl<'de> Deserialize<'de> for Tiers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> serde::de::Visitor<'de> for Either {
            type Value = Tiers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("low, medium or high, or one of these for each environment, as in {prod: high, dev: low}")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Tiers, E> {
                // The value may be anything, a secret that slipped into another line among it.
                text.parse().map(Tiers::Same).map_err(|_| E::custom("is not a tier: write low, medium or high"))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Tiers, A::Error> {
                let tiers = BTreeMap::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(Tiers::ByEnvironment(tiers))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for ToolRules {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ToolRules".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let tier = generator.subschema_for::<Tier>();
        let each = schemars::json_schema!({"type": "object", "minProperties": 1, "additionalProperties": tier});
        schemars::json_schema!({"type": "object", "additionalProperties": {"anyOf": [tier, each]}})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        let fits = |pattern: &str, name: &str| ToolPattern::new(pattern).matches(name);
        assert!(fits("get_*", "get_ticket") && fits("get_*", "get_"));
        assert!(fits("*", "anything") && fits("*_ticket", "delete_ticket"));
        assert!(fits("a*b*c", "a__b__c") && fits("exact", "exact"));
        assert!(fits("*aa", "aaa"), "the tail is anchored at the end, not at its first find");
    }

    #[test]
    fn a_pattern_without_a_star_fits_only_itself() {
        let fits = |pattern: &str, name: &str| ToolPattern::new(pattern).matches(name);
        assert!(!fits("get", "get_ticket") && !fits("get_*", "forget_ticket"));
        assert!(!fits("a*b", "a__b__") && !fits("get_*", "GET_ticket") && !fits("", "x"));
        assert!(!fits("ab*ba", "aba"), "the two ends may not share characters");
    }

    #[test]
    fn the_first_rule_that_fits_wins_and_no_rule_means_no_tier() {
        let rules: ToolRules = serde_json::from_str(r#"{"get_secret":"high","get_*":"low"}"#).unwrap();
        assert_eq!(rules.tier(&"get_secret".parse().unwrap()), Some(Tier::High));
        assert_eq!(rules.tier(&"get_ticket".parse().unwrap()), Some(Tier::Low));
        assert_eq!(rules.tier(&"drop_table".parse().unwrap()), None);
    }

    #[test]
    fn a_rule_may_have_a_tier_for_each_environment() {
        let text = r#"{"get_*":"low","delete_*":{"prod":"high","dev":"low"}}"#;
        let rules: ToolRules = serde_json::from_str(text).unwrap();
        let tool: ToolName = "delete_ticket".parse().unwrap();
        assert_eq!(rules.tier(&tool), Some(Tier::High), "until it is said which one this is");
        for (environment, tier) in [("prod", Tier::High), ("dev", Tier::Low)] {
            let mut settled = rules.clone();
            settled.settle(Some(environment)).unwrap();
            assert_eq!(settled.tier(&tool), Some(tier));
        }
        let said = |environment| rules.clone().settle(environment).unwrap_err().to_string();
        assert!(said(None).contains("say which one this is with `environment`, one of `dev`, `prod`"));
        assert!(said(Some("staging")).contains("has no tier for the environment `staging`; it has `dev`, `prod`"));
        assert_eq!(serde_json::from_str::<ToolRules>(r#"{"get_*":"low"}"#).unwrap().settle(None), Ok(()));
        for wrong in [r#"{"a":"none"}"#, r#"{"a":{"prod":"none"}}"#, r#"{"a":["high"]}"#, r#"{"a":1}"#] {
            assert!(serde_json::from_str::<ToolRules>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_that_could_look_like_another_tool_are_refused() {
        for bad in ["", "größe", "a b", "a\u{200b}b", "a\0", "ｇet", &"x".repeat(129)] {
            assert!(bad.parse::<ToolName>().is_err(), "{bad:?}");
        }
    }

    /// What a server could resolve as it would a path is not what a rule matched.
    ///
    /// Field: S14
    #[test]
    fn names_that_could_be_resolved_to_another_tool_are_refused() {
        for bad in ["get_x/../delete_x", "a/./b", "a//b", "/a", "a/", "../a", "a/..", "/", "./a"] {
            assert!(bad.parse::<ToolName>().is_err(), "{bad:?}");
            assert!(ToolName::of_prompt(bad).is_none(), "{bad:?}");
        }
        for good in ["repos/list", "a.b/c.d", "..", ".hidden", "a/..b", "v1.0/get..x"] {
            assert!(good.parse::<ToolName>().is_ok(), "{good:?}");
        }
    }
}
