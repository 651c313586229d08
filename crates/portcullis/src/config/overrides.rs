//! `PORTCULLIS__TOKENS__ACCESS=30s`: environment overrides by path, so there is no second list of names.
//!
//! The value is read as the file would be read at that place: where text is meant it is taken as it stands, `#` and
//! quotes and leading zeros included; anything else is YAML.

use std::{ffi::OsString, path::Path};

use model::config::Config;

use super::{
    error::ConfigError,
    expects::{Expects, NoSuchKey},
    plain::plain,
    tree::Tree,
};

const PREFIX: &str = "PORTCULLIS__";

/// One override: the variable, its path, its value.
pub struct Override {
    name: String,
    path: Vec<String>,
    value: String,
}

/// The overrides among these variables. Variables of others are none of our business, whatever is in them.
pub fn from_environment(variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Vec<Override>, ConfigError> {
    let mut found = Vec::new();
    for (name, value) in variables {
        let Some(name) = name.to_str() else { continue };
        let Some(path) = name.strip_prefix(PREFIX) else { continue };
        let wrong = |what: String| ConfigError::Override { names: name.to_owned(), what };
        let value = value.into_string().map_err(|_| wrong("the value is not UTF-8".into()))?;
        found.push(Override { name: name.to_owned(), path: place(path, &wrong)?, value });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn place(path: &str, wrong: &impl Fn(String) -> ConfigError) -> Result<Vec<String>, ConfigError> {
    let path: Vec<String> = path.split("__").map(str::to_ascii_lowercase).collect();
    match Expects::at(&path) {
        Ok(_) if path.iter().all(|key| !key.is_empty()) => Ok(path),
        Ok(_) => Err(wrong("a part of the name is empty; write PORTCULLIS__TABLE__KEY".into())),
        Err(NoSuchKey { known }) if known.is_empty() => Err(wrong("there is no such key".into())),
        Err(NoSuchKey { known }) => Err(wrong(format!("there is no such key; there are {}", known.join(", ")))),
    }
}

/// The tree of `text` with `overrides` on top.
pub fn apply(file: &Path, text: &str, overrides: &[Override]) -> Result<Tree, ConfigError> {
    let mut tree = serde_saphyr::with_deserializer_from_str(text, |deserializer| {
        serde::de::DeserializeSeed::deserialize(Expects::whole(), deserializer)
    })
    .map_err(|error| ConfigError::text(file, &error))?;
    for o in overrides {
        let wrong = |what: String| ConfigError::Override { names: o.name.clone(), what };
        let expects = Expects::at(&o.path).unwrap_or_else(|_| Expects::anything());
        let value = if expects.only_text() {
            Tree::Scalar(o.value.clone().into())
        } else {
            serde_saphyr::with_deserializer_from_str(&o.value, |deserializer| {
                serde::de::DeserializeSeed::deserialize(expects, deserializer)
            })
            .map_err(|_| wrong("the value is not YAML".into()))?
        };
        tree.set(&o.path, value);
    }
    Ok(tree)
}

/// The configuration that a tree holds.
pub fn config(tree: &Tree, overrides: &[Override]) -> Result<Config, ConfigError> {
    let names = || overrides.iter().map(|o| o.name.as_str()).collect::<Vec<_>>().join(", ");
    let wrong = |error: serde_json::Error| ConfigError::Override { names: names(), what: plain(&error.to_string()) };
    // By way of JSON text, which keeps the order of mappings: the first matching tool rule wins.
    let json = serde_json::to_string(tree).map_err(wrong)?;
    serde_json::from_str(&json).map_err(wrong)
}
