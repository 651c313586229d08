//! What is different between two definitions, place by place, for a person who decides.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Definition;

/// One place where two definitions differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where: `inputSchema.properties.id.type`.
    pub place: String,
    /// What stood there; `None` when it is new.
    pub before: Option<String>,
    /// What stands there; `None` when it is gone.
    pub after: Option<String>,
}

/// Every place where `new` says something else than `old`, in the order of their names.
pub fn differences(old: &Definition, new: &Definition) -> Vec<Difference> {
    let (mut before, mut after) = (leaves(&old.value()), leaves(&new.value()));
    let mut places: Vec<String> = before.keys().chain(after.keys()).cloned().collect();
    places.sort_unstable();
    places.dedup();
    places
        .into_iter()
        .map(|place| Difference { before: before.remove(&place), after: after.remove(&place), place })
        .filter(|difference| difference.before != difference.after)
        .collect()
}

/// Each value that holds no other, with its place.
fn leaves(value: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    collect(value, String::new(), &mut found);
    found
}

fn collect(value: &Value, place: String, found: &mut BTreeMap<String, String>) {
    let under = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    match value {
        Value::Object(members) if !members.is_empty() => {
            members.iter().for_each(|(name, value)| collect(value, under(name), found));
        }
        Value::Array(elements) if elements.iter().any(|one| one.is_object() || one.is_array()) => {
            elements.iter().enumerate().for_each(|(at, value)| collect(value, under(&at.to_string()), found));
        }
        // A short list (`required`, `enum`) is read as one.
        Value::String(text) => drop(found.insert(place, text.clone())),
        other => drop(found.insert(place, other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use mcp::json::check;

    use super::*;

    fn tool(text: &str) -> Definition {
        Definition::of_tool(check(text.as_bytes()).unwrap()).unwrap()
    }

    /// Field: T2
    #[test]
    fn each_place_is_named_with_what_stood_there_and_what_stands_there() {
        let old = tool(
            r#"{"name":"a","description":"Reads.","inputSchema":{"properties":{"id":{"type":"integer","maximum":9}},"required":["id"]}}"#,
        );
        let new = tool(
            r#"{"name":"a","description":"Reads!","inputSchema":{"properties":{"id":{"type":"integer"},"to":{}},"required":["id","to"]}}"#,
        );
        let found: Vec<_> = differences(&old, &new)
            .into_iter()
            .map(|one| (one.place, one.before.unwrap_or("–".into()), one.after.unwrap_or("–".into())))
            .collect();
        let expected = [
            ("description", "Reads.", "Reads!"),
            ("inputSchema.properties.id.maximum", "9", "–"),
            ("inputSchema.properties.to", "–", "{}"),
            ("inputSchema.required", r#"["id"]"#, r#"["id","to"]"#),
        ];
        assert_eq!(found, expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())));
        assert_eq!(differences(&old, &old), []);
    }
}
