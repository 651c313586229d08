//! What a file sets, by name, each with a digest of its value: so that a start can say what it changes.
//!
//! A secret that is written out counts as "a secret", whatever it is: a digest of it would be a place to try guesses.
//! What belongs to one node and not to the installation (`listen`, `data_dir`, `store`, `tls`) is not counted.

use std::collections::BTreeMap;

use crypto::Digest;
use serde_json::Value;

use super::tree::Tree;

/// The names of what is set, each with its value and a digest of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<String, Set>);

/// A value as text, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Set {
    text: String,
    digest: String,
}

/// What another file sets differently, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// Set now, and not before.
    pub added: Vec<String>,
    /// Set to something else.
    pub changed: Vec<String>,
    /// Not set any more.
    pub removed: Vec<String>,
}

/// What belongs to one node.
const OF_A_NODE: [&str; 4] = ["listen", "data_dir", "store", "tls"];
/// Tables whose entries are named one by one, and how deep.
const DEEP: [(&str, usize); 9] = [
    ("servers", 3),
    ("people", 3),
    ("agents", 3),
    ("clients", 2),
    ("elevation", 2),
    ("tokens", 2),
    ("limits", 2),
    ("audit", 2),
    ("policies", 1),
];
/// So many hexadecimal digits tell two values apart.
const SHORT: usize = 16;

impl Settings {
    /// Of a file, of which the texts at `secrets` are not looked at.
    pub(super) fn of(tree: &Tree, secrets: &[String]) -> Self {
        let mut settings = Self::default();
        for (key, value) in tree.entries().filter(|(key, _)| !OF_A_NODE.contains(key)) {
            let depth = DEEP.iter().find(|(table, _)| *table == key).map_or(1, |(_, depth)| *depth);
            settings.take(key, value, depth, secrets);
        }
        settings
    }

    fn take(&mut self, name: &str, value: &Tree, depth: usize, secrets: &[String]) {
        let below: Vec<_> = value.entries().collect();
        if depth > 1 && !below.is_empty() {
            below.into_iter().for_each(|(key, value)| self.take(&format!("{name}.{key}"), value, depth - 1, secrets));
            return;
        }
        let mut text = String::new();
        written(value, name, secrets, &mut text);
        self.set(name, &text);
    }

    /// With one more, by its value.
    pub fn set(&mut self, name: &str, value: &str) {
        let mut digest = Digest::of(value).to_hex();
        digest.truncate(SHORT);
        self.0.insert(name.to_owned(), Set { text: value.to_owned(), digest });
    }

    /// All of it in lines that can be read: what is set, and to what, without secrets.
    pub fn text(&self) -> String {
        self.0.iter().map(|(name, value)| format!("{name}: {}\n", value.text)).collect()
    }

    /// One digest of all.
    pub fn digest(&self) -> String {
        Digest::of(&self.lines().join("\n")).to_hex()
    }

    /// One line each, to be remembered.
    pub fn lines(&self) -> Vec<String> {
        self.0.iter().map(|(name, value)| format!("{name} {}", value.digest)).collect()
    }

    /// What these set differently from what was remembered.
    pub fn difference(&self, remembered: &[String]) -> Difference {
        let before: BTreeMap<&str, &str> = remembered.iter().filter_map(|line| line.rsplit_once(' ')).collect();
        let mut difference = Difference::default();
        for (name, value) in &self.0 {
            match before.get(name.as_str()) {
                None => difference.added.push(name.clone()),
                Some(other) if *other != value.digest => difference.changed.push(name.clone()),
                Some(_) => {}
            }
        }
        difference.removed =
            before.keys().filter(|name| !self.0.contains_key(**name)).map(|name| (*name).to_owned()).collect();
        difference
    }
}

impl Difference {
    /// Is there none?
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// The value as text, in the order of the file.
fn written(value: &Tree, path: &str, secrets: &[String], out: &mut String) {
    match value {
        // A reference is no secret; what it points to is not looked at.
        Tree::Scalar(Value::String(text)) if secrets.iter().any(|secret| secret == path) && !text.contains("${") => {
            out.push_str("a secret");
        }
        Tree::Scalar(value) => out.push_str(&value.to_string()),
        Tree::List(items) => {
            out.push('[');
            for item in items {
                written(item, path, secrets, out);
                out.push(',');
            }
            out.push(']');
        }
        Tree::Map(entries) => {
            out.push('{');
            for (key, value) in entries {
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                written(value, &format!("{path}.{key}"), secrets, out);
                out.push(',');
            }
            out.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("portcullis.yaml");
        std::fs::write(&file, format!("public_url: https://a.test\n{text}")).unwrap();
        crate::config::load(&file, crate::config::Needs::Store).unwrap().settings
    }

    const BEFORE: &str = "listen: 127.0.0.1:1\nservers:\n  crm:\n    url: http://127.0.0.1:1/mcp\n    tools: { get_*: low, del_*: high }\n    headers: { authorization: \"first-secret\" }\npeople:\n  ada: { roles: [admin] }\n";

    /// Field: H4
    #[test]
    fn what_changes_is_named_by_its_place_and_a_secret_is_not_looked_at() {
        let before = settings(BEFORE);
        let difference = |text: &str| settings(text).difference(&before.lines());
        assert!(difference(BEFORE).is_none());
        assert!(difference(&BEFORE.replace("127.0.0.1:1\n", "127.0.0.1:2\n").replace("8420", "1")).is_none());
        assert!(difference(&BEFORE.replace("first-secret", "second-secret")).is_none());
        assert_eq!(difference(&BEFORE.replace("del_*: high", "del_*: low")).changed, ["servers.crm.tools"]);
        let swapped = BEFORE.replace("get_*: low, del_*: high", "del_*: high, get_*: low");
        assert_eq!(difference(&swapped).changed, ["servers.crm.tools"], "the first match wins, so order counts");
        let other = difference(&BEFORE.replace("ada: { roles: [admin] }", "bob: { roles: [admin] }"));
        assert_eq!((other.added, other.removed), (vec!["people.bob.roles".into()], vec!["people.ada.roles".into()]));
        assert_eq!(difference(&BEFORE.replace("first-secret", "${env:X}")).changed, ["servers.crm.headers"]);
        assert!(!format!("{before:?}").contains("first-secret"));
        assert!(before.text().contains("servers.crm.headers") && before.text().contains("a secret"));
        assert_ne!(before.digest(), settings("").digest());
    }
}
