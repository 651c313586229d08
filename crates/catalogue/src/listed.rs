//! What a tool or a prompt says of itself, as far as a proposal is made from it.

use serde_json::Value;

/// A tool or a prompt as its server lists it. Nothing in here is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// What it says it does.
    pub description: String,
    /// What it says of itself, such as `readOnlyHint`; only those that are there.
    pub hints: Vec<(&'static str, bool)>,
    /// The names of its arguments.
    pub arguments: Vec<String>,
}

impl Listed {
    /// Of an item of a list.
    pub fn of(item: &Value) -> Self {
        let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
        let hint = |name: &'static str| Some((name, item["annotations"][name].as_bool()?));
        let hints = ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"];
        let properties = item["inputSchema"]["properties"].as_object();
        let of_prompt = item["arguments"].as_array().into_iter().flatten().filter_map(|one| one["name"].as_str());
        Self {
            name: text("name"),
            description: text("description"),
            hints: hints.into_iter().filter_map(hint).collect(),
            arguments: properties.map_or_else(
                || of_prompt.map(str::to_owned).collect(),
                |properties| properties.keys().cloned().collect(),
            ),
        }
    }
}
