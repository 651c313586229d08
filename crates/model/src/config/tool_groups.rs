//! `servers.*.groups`: names for several tools of a server.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error};

use crate::{ToolName, ToolPattern, resource::is_rule_name, server::Kind};

/// From names of groups to patterns of what is in each. What is in two groups is in both.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[schemars(transparent)]
pub struct ToolGroups(BTreeMap<String, Vec<ToolPattern>>);

impl ToolGroups {
    /// The groups, each with its patterns.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[ToolPattern])> {
        self.0.iter().map(|(name, patterns)| (name.as_str(), patterns.as_slice()))
    }

    /// The groups that a tool, a rule of resources or a prompt is in.
    pub fn of(&self, tool: &ToolName) -> impl Iterator<Item = &str> {
        let name = pattern_name(tool);
        let is_in = move |patterns: &[ToolPattern]| {
            name.as_ref().is_some_and(|name| patterns.iter().any(|pattern| pattern.matches(name)))
        };
        self.iter().filter(move |(_, patterns)| is_in(patterns)).map(|(group, _)| group)
    }

    /// Is there a group of that name?
    pub fn has(&self, group: &str) -> bool {
        self.0.contains_key(group)
    }

    /// Does an entry of a table of names mean that tool: by its own name, or by a group (`group/exports`) that it is in?
    pub fn means(&self, entry: &ToolPattern, tool: &ToolName) -> bool {
        match named_group(entry) {
            Some(group) => self.of(tool).any(|of| of == group),
            None => pattern_name(tool).is_some_and(|name| entry.matches(&name)),
        }
    }
}

/// The group that an entry of a table of names speaks of.
pub fn named_group(entry: &ToolPattern) -> Option<&str> {
    entry.as_str().strip_prefix("group/")
}

/// As tables of names have it: `delete_ticket`, `resource/docs`, `prompt/summarize`.
pub fn pattern_name(tool: &ToolName) -> Option<String> {
    match tool.kind() {
        Kind::Tool(name) => Some(name.to_owned()),
        Kind::Resource(rule) => Some(format!("resource/{rule}")),
        Kind::Prompt(name) => Some(format!("prompt/{name}")),
        Kind::Template(_) | Kind::Uri(_) | Kind::Words(_) | Kind::Unnamed(_) => None,
    }
}

impl<'de> Deserialize<'de> for ToolGroups {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let groups: BTreeMap<String, Vec<ToolPattern>> = BTreeMap::deserialize(deserializer)?;
        for (name, patterns) in &groups {
            if !is_rule_name(name) {
                return Err(D::Error::custom("a group's name is 1 to 64 of the characters a-z 0-9 _ -"));
            }
            // A group of nothing would make a `forbid` about it forbid nothing.
            if patterns.is_empty() {
                return Err(D::Error::custom(format!(
                    "the group `{name}` is empty: name what is in it, or take it out"
                )));
            }
            if patterns.iter().any(|pattern| named_group(pattern).is_some()) {
                return Err(D::Error::custom(format!("the group `{name}` names a group: write what is in that")));
            }
        }
        Ok(Self(groups))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(text: &str) -> Result<ToolGroups, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_group_has_tools_resources_and_prompts_and_a_tool_may_be_in_several() {
        let groups =
            groups(r#"{"exports":["export_*","resource/dumps"],"customers":["*_customers","prompt/customer"]}"#)
                .unwrap();
        let of = |name: &str| groups.of(&ToolName::after_server(name).unwrap()).collect::<Vec<_>>().join(" ");
        assert_eq!(of(".export_customers"), "customers exports");
        assert_eq!(
            (of(".export_all"), of(":resource/dumps"), of(":prompt/customer")),
            ("exports".into(), "exports".into(), "customers".into())
        );
        assert_eq!((of(".get_ticket"), of(":resource/docs")), (String::new(), String::new()));
        let means = |entry: &str| groups.means(&ToolPattern::new(entry), &"export_all".parse().unwrap());
        assert!(means("group/exports") && means("export_*"));
        assert!(!means("group/customers") && !means("group/other") && !means("exports"));
    }

    /// Field: T23
    #[test]
    fn a_group_of_nothing_is_refused() {
        assert!(groups(r#"{"exports":[]}"#).unwrap_err().contains("the group `exports` is empty"));
        assert!(groups(r#"{"Exports":["x"]}"#).unwrap_err().contains("a group's name is"));
        assert!(groups(r#"{"a.b":["x"]}"#).is_err());
        assert!(groups(r#"{"all":["group/exports"]}"#).unwrap_err().contains("names a group"));
        assert_eq!(groups("{}"), Ok(ToolGroups::default()));
    }
}
