//! The lists of a server, and what is left of one of which some items have two readings: one bad item must not take the
//! others away.
//!
//! Spec: MCP 2026-07-28 server/tools, server/prompts, server/resources.

use std::fmt;

use crate::{
    json::{self, Strict, array},
    method,
};

/// A list of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum List {
    /// Its tools.
    Tools,
    /// Its prompts.
    Prompts,
    /// Its resources.
    Resources,
    /// Its templates of resources.
    Templates,
}

impl List {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Tools, Self::Prompts, Self::Resources, Self::Templates];

    /// The one that stands in a result as `member`.
    pub fn in_member(member: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|list| list.member() == member)
    }

    /// The one that `method` asks for.
    pub fn of_method(method: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|list| list.method() == method)
    }

    /// The method that asks for it.
    pub const fn method(self) -> &'static str {
        match self {
            Self::Tools => method::TOOLS_LIST.name,
            Self::Prompts => method::PROMPTS_LIST.name,
            Self::Resources => method::RESOURCES_LIST.name,
            Self::Templates => method::RESOURCE_TEMPLATES_LIST.name,
        }
    }

    /// The member of the result that is the list.
    pub const fn member(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::Templates => "resourceTemplates",
        }
    }

    /// The member of an item that says which one it is.
    pub const fn named_by(self) -> &'static str {
        match self {
            Self::Tools | Self::Prompts => "name",
            Self::Resources => "uri",
            Self::Templates => "uriTemplate",
        }
    }
}

/// The member of the result.
impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.member())
    }
}

/// A message without the items that two parsers could read differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvaged {
    /// What is left. Outside of its list it may still have two readings: it has to be [checked](json::check).
    pub message: Vec<u8>,
    /// Which list.
    pub list: List,
    /// What the items that were taken out call themselves; empty where they do not.
    pub taken_out: Vec<String>,
}

/// Takes out of a list what is not strict. `None` when the message is no JSON, or holds no list.
pub fn salvage(message: &[u8]) -> Option<Salvaged> {
    let text = std::str::from_utf8(message).ok()?;
    let result = json::grammar(message).ok()?.member("result")?;
    let mut members = result.members()?.into_iter();
    let (of, list) = members.find_map(|(name, list)| Some((List::in_member(&name)?, list)))?;
    let is_strict = |item: &Strict<'_>| json::check(item.as_str().as_bytes()).is_ok();
    let (good, bad): (Vec<_>, Vec<_>) = list.elements()?.into_iter().partition(is_strict);
    let start = list.as_str().as_ptr() as usize - text.as_ptr() as usize;
    let (before, after) = (text.get(..start)?, text.get(start + list.as_str().len()..)?);
    let list = array(good.into_iter().map(|item| item.as_str().into()));
    let called = |item: Strict<'_>| item.member("name").and_then(Strict::string).unwrap_or_default().into_owned();
    Some(Salvaged {
        message: [before.as_bytes(), &list, after.as_bytes()].concat(),
        list: of,
        taken_out: bad.into_iter().map(called).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Field: G10
    #[test]
    fn an_item_with_two_readings_is_taken_out_and_the_rest_stays_as_it_came() {
        let page = r#"{"id":1, "result":{"tools":[ {"name":"a"}, {"name":"b","x":1,"x":2}, {"x":1,"x":1} ],"nextCursor":"n"}}"#;
        let salvaged = salvage(page.as_bytes()).unwrap();
        assert_eq!(salvaged.message, br#"{"id":1, "result":{"tools":[{"name":"a"}],"nextCursor":"n"}}"#);
        assert_eq!((salvaged.list, salvaged.taken_out.len()), (List::Tools, 2));
        assert_eq!(salvaged.taken_out[0], "b");
    }

    #[test]
    fn what_is_no_list_is_not_salvaged() {
        for none in ["{", "{} x", r#"{"result":{}}"#, r#"{"result":{"tools":{}}}"#, r#"{"tools":[]}"#] {
            assert_eq!(salvage(none.as_bytes()), None, "{none}");
        }
    }
}
