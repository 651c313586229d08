//! The manuals that are written from the types: what the file may say, and what the audit log says.

mod configuration;
mod events;

use serde_json::Value;

pub use configuration::markdown as configuration;
pub use events::{markdown as events, schema as events_schema};

/// What a schema says of itself, in one line that fits a table.
fn described(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|")
}

/// The type of a value, in words.
fn kind(property: &Value) -> String {
    if let Some(reference) = property["$ref"].as_str() {
        return format!("`{}`", reference.rsplit('/').next().unwrap_or_default());
    }
    if let Some(options) = property["anyOf"].as_array() {
        let kinds: Vec<String> = options.iter().filter(|o| o["type"] != "null").map(kind).collect();
        return kinds.join(" or ");
    }
    match &property["type"] {
        Value::String(name) if name == "array" => format!("list of {}", kind(&property["items"])),
        Value::String(name) if name == "object" => {
            let patterns = property["patternProperties"].as_object().and_then(|patterns| patterns.values().next());
            match patterns.or_else(|| property.get("additionalProperties")).filter(|values| values.is_object()) {
                Some(values) => format!("map to {}", kind(values)),
                None => name.clone(),
            }
        }
        Value::String(name) => name.clone(),
        Value::Array(names) => {
            names.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect::<Vec<_>>().join(" or ")
        }
        _ => "any".into(),
    }
}

/// Compares `current` with a file of the project; writes it when `PORTCULLIS_UPDATE_DOCS` is set.
#[cfg(test)]
fn golden(file: &str, current: &str) {
    let file = format!("{}/../../docs/{file}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("PORTCULLIS_UPDATE_DOCS").is_some() {
        std::fs::write(&file, current).unwrap();
    }
    let stored = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(stored == current, "{file} is stale: run this test with PORTCULLIS_UPDATE_DOCS=1");
}
