//! `PORTCULLIS__TOKENS__ACCESS=30s`: environment overrides by path, so there is no second list of names.

use std::{fmt, path::Path};

use model::config::Config;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{ConfigError, parse};

const PREFIX: &str = "PORTCULLIS__";

/// One override: the variable, its path, its value as YAML.
pub struct Override {
    name: String,
    path: Vec<String>,
    value: String,
}

/// The overrides among these variables.
pub fn from_environment(variables: impl Iterator<Item = (String, String)>) -> Vec<Override> {
    let mut found: Vec<Override> = variables
        .filter_map(|(name, value)| {
            let path = name.strip_prefix(PREFIX)?.split("__").map(str::to_ascii_lowercase).collect();
            Some(Override { path, name, value })
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// The configuration of `text` with `overrides` on top.
pub fn apply(file: &Path, text: &str, overrides: &[Override]) -> Result<Config, ConfigError> {
    let names = || overrides.iter().map(|o| o.name.as_str()).collect::<Vec<_>>().join(", ");
    let wrong = |what: String| ConfigError::Override { names: names(), what };
    let mut tree: Tree = parse(file, text)?;
    for o in overrides {
        let value: Tree =
            serde_saphyr::from_str(&o.value).map_err(|_| wrong(format!("the value of {} is not YAML", o.name)))?;
        tree.set(&o.path, value);
    }
    // By way of JSON text, which keeps the order of mappings: the first matching tool rule wins.
    let json = serde_json::to_string(&tree).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_str(&json).map_err(|error| {
        let said = error.to_string();
        wrong(said.split(" at line ").next().unwrap_or(&said).to_owned())
    })
}

/// A YAML tree that keeps the order of its mappings.
enum Tree {
    Scalar(serde_json::Value),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

impl Tree {
    fn set(&mut self, path: &[String], value: Self) {
        let Some((head, rest)) = path.split_first() else {
            *self = value;
            return;
        };
        if !matches!(self, Self::Map(_)) {
            *self = Self::Map(Vec::new());
        }
        let Self::Map(entries) = self else { return };
        let at = match entries.iter().position(|(key, _)| key == head) {
            Some(at) => at,
            None => {
                entries.push((head.clone(), Self::Map(Vec::new())));
                entries.len() - 1
            }
        };
        entries[at].1.set(rest, value);
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Scalar(value) => value.serialize(serializer),
            Self::List(items) => serializer.collect_seq(items),
            Self::Map(entries) => serializer.collect_map(entries.iter().map(|(key, value)| (key, value))),
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        macro_rules! scalar {
            ($($visit:ident: $type:ty),+) => {$(
                fn $visit<E: serde::de::Error>(self, value: $type) -> Result<Tree, E> {
                    Ok(Tree::Scalar(value.into()))
                }
            )+};
        }
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Tree;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("YAML")
            }

            scalar!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str, visit_string: String);

            fn visit_unit<E: serde::de::Error>(self) -> Result<Tree, E> {
                Ok(Tree::Scalar(serde_json::Value::Null))
            }

            fn visit_none<E: serde::de::Error>(self) -> Result<Tree, E> {
                self.visit_unit()
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Tree::List(items))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Tree::Map(entries))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
