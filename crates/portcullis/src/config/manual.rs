//! `docs/configuration.md`, written from the schema: the types are the manual.

use std::fmt::Write;

use model::config::Config;
use serde_json::Value;

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
    let describe =
        |value: &Value| value["description"].as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|");
    let _ =
        write!(out, "## {title}\n\n{}\n\n| key | type | default | meaning |\n|---|---|---|---|\n", describe(schema));
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let default = match property.get("default") {
            _ if required.contains(&key.as_str()) => "required".to_owned(),
            Some(Value::Null) | None => "–".to_owned(),
            Some(default) => format!("`{default}`"),
        };
        let _ = writeln!(out, "| `{key}` | {} | {default} | {} |", kind(property), describe(property));
    }
    out.push('\n');
}

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

#[cfg(test)]
mod tests {
    /// Run with `PORTCULLIS_UPDATE_DOCS=1` to write it anew.
    #[test]
    fn the_manual_says_what_the_types_say() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
        let current = super::markdown();
        if std::env::var_os("PORTCULLIS_UPDATE_DOCS").is_some() {
            std::fs::write(file, &current).unwrap();
        }
        assert_eq!(std::fs::read_to_string(file).unwrap_or_default(), current, "run it with PORTCULLIS_UPDATE_DOCS=1");
    }
}
