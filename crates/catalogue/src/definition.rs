//! A tool or a prompt as its server lists it, and the digest that names exactly that.
//!
//! All that a definition says is in the digest but what is shown to nobody who decides: `_meta` and `icons`, which some
//! servers change from list to list. A member that we do not know counts: it could be read by a model.
//!
//! Spec: MCP 2026-07-28 server/tools, server/prompts (data types).

use std::collections::BTreeMap;

use crypto::Digest;
use mcp::json::{self, Strict};
use model::{ToolName, server::Kind};
use serde_json::{Value, json};

use crate::Listed;

/// What a server says of a tool or a prompt. Nothing in here is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    name: ToolName,
    text: String,
    digest: Digest,
}

/// Why an item of a list is no definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDefinition {
    /// It does not say what it is called, or what it is called could not be called.
    #[error("it has no name that could be called")]
    Name,
    /// It is longer than anybody could read.
    #[error("it is longer than {} KiB", LONGEST / 1024)]
    TooLong,
}

/// The longest definition, in bytes of its canonical text.
const LONGEST: usize = 256 * 1024;
/// What is not in the digest.
const NOT_SAID: [&str; 2] = ["_meta", "icons"];
/// The member of a definition that stands for several.
pub(crate) const SEVERAL: &str = "io.portcullis/several";
/// So many of several are shown.
const MEANINGS: usize = 4;

impl Definition {
    /// Of an item of `tools`.
    ///
    /// # Errors
    /// It can not be called, or not be read.
    pub fn of_tool(item: Strict<'_>) -> Result<Self, NoDefinition> {
        Self::of(item, |name| name.parse().ok())
    }

    /// Of an item of `prompts`.
    ///
    /// # Errors
    /// It can not be called, or not be read.
    pub fn of_prompt(item: Strict<'_>) -> Result<Self, NoDefinition> {
        Self::of(item, ToolName::of_prompt)
    }

    /// As it was kept, by its name; `None` when it is not what [`Self::text`] gives.
    pub fn kept(name: ToolName, text: &str) -> Option<Self> {
        let item = json::check(text.as_bytes()).ok()?;
        let read = if matches!(name.kind(), Kind::Prompt(_)) { Self::of_prompt(item) } else { Self::of_tool(item) };
        read.ok().filter(|read| read.name == name && read.text == text)
    }

    /// Of each name one definition. A name that is listed with several meanings has one that says so, and by which
    /// nothing can be called: nobody could say which of them would be.
    pub fn one_each(all: Vec<Self>) -> Vec<Self> {
        let mut by_name: BTreeMap<ToolName, Vec<Self>> = BTreeMap::new();
        for definition in all {
            let same = by_name.entry(definition.name.clone()).or_default();
            if !same.contains(&definition) {
                same.push(definition);
            }
        }
        by_name.into_iter().map(|(name, same)| Self::united(name, same)).collect()
    }

    fn united(name: ToolName, mut same: Vec<Self>) -> Self {
        if same.len() == 1 {
            return same.remove(0);
        }
        same.sort_by_key(|definition| definition.digest.to_hex());
        let called = match name.kind() {
            Kind::Tool(called) | Kind::Prompt(called) | Kind::Resource(called) | Kind::Unnamed(called) => called,
        };
        // The first few are enough to see what the matter is.
        let meanings: Vec<Value> = same.iter().take(MEANINGS).map(Self::value).collect();
        let all: Vec<String> = same.iter().map(|definition| definition.digest.to_hex()).collect();
        let text = json!({"name": called, SEVERAL: meanings, "digests": all}).to_string();
        let text = json::check(text.as_bytes()).map(Strict::canonical).unwrap_or(text);
        Self { digest: Digest::of(&text), name, text }
    }

    fn of(item: Strict<'_>, name: impl FnOnce(&str) -> Option<ToolName>) -> Result<Self, NoDefinition> {
        let members = item.members().ok_or(NoDefinition::Name)?;
        let called = members.iter().find(|(name, _)| name == "name").and_then(|(_, value)| value.string());
        let name = called.and_then(|called| name(&called)).ok_or(NoDefinition::Name)?;
        let said = members.iter().filter(|(name, _)| !NOT_SAID.contains(&name.as_ref()));
        let said = json::object(said.map(|(name, value)| (name.as_ref(), value.as_str().into())));
        // INVARIANT: members of a strict object are a strict object.
        let text = json::check(&said).map_err(|_| NoDefinition::Name)?.canonical();
        if text.len() > LONGEST {
            return Err(NoDefinition::TooLong);
        }
        Ok(Self { digest: Digest::of(&text), name, text })
    }

    /// The tool, or what stands for the prompt.
    pub fn name(&self) -> &ToolName {
        &self.name
    }

    /// All it says, as canonical JSON.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the [text](Self::text).
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// All it says.
    pub fn value(&self) -> Value {
        // INVARIANT: the text is JSON.
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// What it says of itself.
    pub fn listed(&self) -> Listed {
        Listed::of(&self.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(text: &str) -> Result<Definition, NoDefinition> {
        Definition::of_tool(json::check(text.as_bytes()).unwrap())
    }

    /// Field: T3
    #[test]
    fn the_digest_is_of_all_that_a_definition_says_however_it_is_written() {
        let one = tool(r#"{"name":"a","description":"x","inputSchema":{"type":"object","maxProperties":1}}"#).unwrap();
        let same = r#"{ "inputSchema": {"maxProperties":1, "type":"\u006fbject"}, "_meta": {"t": 1}, "icons": [],
            "description":"x", "name":"a" }"#;
        assert_eq!(tool(same).unwrap().digest(), one.digest());
        for other in [
            r#"{"name":"a","description":"y","inputSchema":{"type":"object","maxProperties":1}}"#,
            r#"{"name":"a","description":"x","inputSchema":{"type":"object","maxProperties":1.0}}"#,
            r#"{"name":"a","description":"x","title":"T","inputSchema":{"type":"object","maxProperties":1}}"#,
            r#"{"name":"a","description":"x","outputSchema":{},"inputSchema":{"type":"object","maxProperties":1}}"#,
            r#"{"name":"a","description":"x","annotations":{},"inputSchema":{"type":"object","maxProperties":1}}"#,
            r#"{"name":"a","description":"x","unheard":"of","inputSchema":{"type":"object","maxProperties":1}}"#,
            r#"{"name":"b","description":"x","inputSchema":{"type":"object","maxProperties":1}}"#,
        ] {
            assert_ne!(tool(other).unwrap().digest(), one.digest(), "{other}");
        }
    }

    #[test]
    fn what_could_not_be_called_or_read_is_no_definition() {
        for bad in ["{}", r#"{"name":"a b"}"#, r#"{"name":7}"#, "[]", r#"{"name":":prompt/a"}"#] {
            assert_eq!(tool(bad), Err(NoDefinition::Name), "{bad}");
        }
        let long = format!(r#"{{"name":"a","description":"{}"}}"#, "x".repeat(LONGEST));
        assert_eq!(tool(&long), Err(NoDefinition::TooLong));
    }

    #[test]
    fn a_name_with_several_meanings_has_a_definition_that_is_none_of_them() {
        let all = |texts: &[&str]| Definition::one_each(texts.iter().map(|text| tool(text).unwrap()).collect());
        let (one, other) = (r#"{"name":"a","title":"1"}"#, r#"{"name":"a","title":"2"}"#);
        assert_eq!(all(&[one, one]), [tool(one).unwrap()], "twice the same is once");
        let several = all(&[one, other, r#"{"name":"b"}"#]);
        assert_eq!(several.len(), 2);
        assert_eq!(all(&[other, one])[0], several[0], "in whatever order");
        assert_ne!(several[0].digest(), tool(one).unwrap().digest());
        assert_eq!(Definition::kept(several[0].name().clone(), several[0].text()).as_ref(), Some(&several[0]));
        assert_eq!(crate::ArgumentSchema::of(&several[0]).err(), Some(crate::SchemaError::Several));
    }

    #[test]
    fn what_was_kept_is_believed_as_it_was_written_only() {
        let name: ToolName = "a".parse().unwrap();
        let text = r#"{"description":"x","name":"a"}"#;
        assert_eq!(Definition::kept(name.clone(), text), tool(text).ok());
        for bad in [r#"{"name":"a","description":"x"}"#, r#"{"name":"b"}"#, "", "{"] {
            assert_eq!(Definition::kept(name.clone(), bad), None, "{bad}");
        }
        let prompt = ToolName::of_prompt("a").unwrap();
        assert_eq!(Definition::kept(prompt.clone(), text).unwrap().name(), &prompt);
    }
}
