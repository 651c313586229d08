//! What the schema expects at a place of the configuration: so that text is text wherever it comes from.

use std::sync::OnceLock;

use model::config::Config;
use serde_json::Value;

/// A place in the schema.
#[derive(Clone, Copy)]
pub struct Expects(&'static Value);

/// Nothing is at this path.
pub struct NoSuchKey {
    /// The keys that are there, when they are known.
    pub known: Vec<String>,
}

fn root() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| schemars::schema_for!(Config).to_value())
}

impl Expects {
    /// The whole file.
    pub fn whole() -> Self {
        Self(root())
    }

    /// Where nothing is known of what is expected.
    pub fn anything() -> Self {
        Self(&Value::Null)
    }

    /// Every form that is allowed here.
    fn forms(self) -> Vec<&'static Value> {
        let mut found = Vec::new();
        let mut open = vec![self.0];
        while let Some(node) = open.pop() {
            if let Some(at) = node.get("$ref").and_then(Value::as_str).and_then(|at| at.strip_prefix('#')) {
                open.extend(root().pointer(at));
            }
            for several in ["anyOf", "oneOf", "allOf"] {
                open.extend(node.get(several).and_then(Value::as_array).into_iter().flatten());
            }
            found.push(node);
        }
        found
    }

    /// What is expected below `key`; `None` when there is no such key.
    pub fn below(self, key: &str) -> Option<Self> {
        let forms = self.forms();
        let named = forms.iter().find_map(|form| form.get("properties")?.get(key));
        let any = || forms.iter().find_map(|form| form.get("additionalProperties").filter(|it| !it.is_boolean()));
        let like = || forms.iter().find_map(|form| form.get("patternProperties")?.as_object()?.values().next());
        named.or_else(any).or_else(like).map(Self)
    }

    /// What is expected of an item of a list.
    pub fn item(self) -> Self {
        Self(self.forms().iter().find_map(|form| form.get("items")).unwrap_or(&Value::Null))
    }

    /// What is expected at the end of a path.
    pub fn at(path: &[String]) -> Result<Self, NoSuchKey> {
        path.iter().try_fold(Self::whole(), |here, key| {
            let properties = || here.forms().into_iter().filter_map(|form| form.get("properties")?.as_object());
            here.below(key)
                .ok_or_else(|| NoSuchKey { known: properties().flat_map(|all| all.keys().cloned()).collect() })
        })
    }

    /// Only text is allowed here: a number, too, is meant as it is written.
    pub fn only_text(self) -> bool {
        let kinds: Vec<&str> = self
            .forms()
            .iter()
            .filter_map(|form| form.get("type"))
            .flat_map(|kind| match kind {
                Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
                kind => kind.as_str().into_iter().collect::<Vec<_>>(),
            })
            .collect();
        kinds.contains(&"string") && kinds.iter().all(|kind| matches!(*kind, "string" | "null"))
    }
}
