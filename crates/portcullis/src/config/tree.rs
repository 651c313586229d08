//! A YAML tree that keeps the order of its mappings, and text as it was written where text is meant.

use std::fmt;

use serde::{
    Serialize, Serializer,
    de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

use super::expects::Expects;

/// A YAML tree.
pub enum Tree {
    /// A word or a number.
    Scalar(Value),
    /// A list.
    List(Vec<Tree>),
    /// A mapping, in the order of the file: the first rule that matches wins.
    Map(Vec<(String, Tree)>),
}

impl Tree {
    /// Puts `value` at `path`.
    pub fn set(&mut self, path: &[String], value: Self) {
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

    /// Is this key of the first level written?
    pub fn has(&self, key: &str) -> bool {
        matches!(self, Self::Map(entries) if entries.iter().any(|(name, _)| name == key))
    }

    /// What is in a mapping, in the order of the file.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Self)> {
        let entries = if let Self::Map(entries) = self { entries.as_slice() } else { &[] };
        entries.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Every text, with its path.
    pub fn texts<'t>(&'t self, path: &str, found: &mut Vec<(String, &'t str)>) {
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match self {
            Self::Scalar(value) => found.extend(value.as_str().map(|text| (path.to_owned(), text))),
            Self::List(items) => items.iter().for_each(|item| item.texts(path, found)),
            Self::Map(entries) => entries.iter().for_each(|(key, value)| value.texts(&below(key), found)),
        }
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

/// Where only text is allowed, `0123` and `1e3` are text.
impl<'de> DeserializeSeed<'de> for Expects {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        if self.only_text() {
            deserializer.deserialize_str(Here(self))
        } else {
            deserializer.deserialize_any(Here(self))
        }
    }
}

struct Here(Expects);

macro_rules! scalar {
    ($($visit:ident: $type:ty),+) => {$(
        fn $visit<E: Error>(self, value: $type) -> Result<Tree, E> {
            Ok(Tree::Scalar(value.into()))
        }
    )+};
}

impl<'de> Visitor<'de> for Here {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    scalar!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str, visit_string: String);

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar(Value::Null))
    }

    fn visit_none<E: Error>(self) -> Result<Tree, E> {
        self.visit_unit()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self.0.item())? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            let below = self.0.below(&key).unwrap_or_else(Expects::anything);
            entries.push((key, map.next_value_seed(below)?));
        }
        Ok(Tree::Map(entries))
    }
}
