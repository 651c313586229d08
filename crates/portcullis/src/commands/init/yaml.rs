//! Text as YAML.

use serde_json::Value;

/// A YAML scalar that means this text, whatever is in it.
pub fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}
