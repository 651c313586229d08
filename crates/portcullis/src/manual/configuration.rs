//! `docs/configuration.md`, written from the schema: the types are the manual.

use std::fmt::Write;

use model::config::Config;
use serde_json::Value;

use super::{described, kind};

/// The manual as Markdown.
pub fn markdown() -> String {
    let schema = schemars::schema_for!(Config).to_value();
    let mut out = String::from(
        "# Configuration\n\n\
         Generated from the types by `portcullis schema --markdown`. One YAML file; unknown keys are refused; any value can\n\
         be overridden by path (`PORTCULLIS__TOKENS__ACCESS=30s`); secrets are `${file:/path}` or `${env:NAME}`.\n\
         `portcullis schema` prints the JSON Schema for editors.\n\n",
    );
    table(&mut out, "The file", &schema);
    for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
        if definition["properties"].is_object() {
            table(&mut out, &format!("`{name}`"), definition);
        }
    }
    out
}

fn table(out: &mut String, title: &str, schema: &Value) {
    let _ =
        write!(out, "## {title}\n\n{}\n\n| key | type | default | meaning |\n|---|---|---|---|\n", described(schema));
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let default = match property.get("default") {
            _ if required.contains(&key.as_str()) => "required".to_owned(),
            Some(Value::Null) | None => "–".to_owned(),
            Some(default) => format!("`{default}`"),
        };
        let _ = writeln!(out, "| `{key}` | {} | {default} | {} |", kind(property), described(property));
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_manual_says_what_the_types_say() {
        crate::manual::golden("configuration.md", &super::markdown());
    }
}
