//! Exceptions: that one agent is spared what a policy says, for a reason, by somebody's word, and until then.
//!
//! A policy names the exceptions that it knows: `unless { context.exceptions.contains("change-freeze") }`. What no policy
//! names changes nothing.

use std::{fmt, str::FromStr, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Agent, Id, Person, Server, Span, Timestamp, id::Minted, text_enum};

/// What policies call an exception: `change-freeze`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct ExceptionName(Arc<str>);

impl ExceptionName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExceptionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ExceptionName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_word =
            |word: &str| !word.is_empty() && word.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
        if begins && text.len() <= 64 && text.split('-').all(is_word) {
            return Ok(Self(text.into()));
        }
        let shown = crate::shown(text, 64);
        Err(format!(
            "`{shown}` is no name of an exception: write words of a-z and 0-9 with `-` between them, as in change-freeze"
        ))
    }
}

impl TryFrom<String> for ExceptionName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ExceptionName> for String {
    fn from(name: ExceptionName) -> Self {
        name.as_str().to_owned()
    }
}

/// The names of the exceptions that hold in one case, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Exceptions(Arc<[ExceptionName]>);

impl Exceptions {
    /// In their order.
    pub fn iter(&self) -> impl Iterator<Item = &ExceptionName> {
        self.0.iter()
    }

    /// Does none hold?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<ExceptionName> for Exceptions {
    fn from_iter<I: IntoIterator<Item = ExceptionName>>(names: I) -> Self {
        let mut names: Vec<_> = names.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        Self(names.into())
    }
}

/// That one agent is spared something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Its id.
    pub id: Id<Exception>,
    /// What policies call it.
    pub name: ExceptionName,
    /// Who is spared.
    pub agent: Id<Agent>,
    /// Where; everywhere when it says nothing.
    pub server: Option<Id<Server>>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: Id<Person>,
    /// Since when.
    pub added_at: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
    /// What ended it before that, and since when.
    pub ended: Option<(ExceptionEnd, Timestamp)>,
}

/// What ended an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionEnd {
    /// Its time was over.
    Elapsed,
    /// A person or the operator ended it.
    ByHand,
    /// Its agent was retired.
    AgentRetired,
    /// Who answers for it was disabled.
    OwnerDisabled,
    /// A revocation covers its agent, or who answers for it.
    Revoked,
}

text_enum!(ExceptionEnd {
    Elapsed => "elapsed",
    ByHand => "by_hand",
    AgentRetired => "agent_retired",
    OwnerDisabled => "owner_disabled",
    Revoked => "revoked",
});

impl Minted for Exception {
    const PREFIX: &'static str = "exc";
}

impl Exception {
    /// The longest that one may last.
    pub const LONGEST: Span = Span::from_minutes(90 * 24 * 60);

    /// What has ended it by `now`, whether or not anybody has written that down, and since when.
    pub fn end(&self, now: Timestamp) -> Option<(ExceptionEnd, Timestamp)> {
        self.ended.or_else(|| (now >= self.not_after).then_some((ExceptionEnd::Elapsed, self.not_after)))
    }

    /// Does it hold on `server` at `now`? Its agent is another question.
    pub fn holds_on(&self, server: &Id<Server>, now: Timestamp) -> bool {
        self.end(now).is_none() && self.server.as_ref().is_none_or(|only| only == server)
    }

    /// How to stop it.
    pub fn stop(&self) -> String {
        format!("portcullis exception end {}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_of_small_letters_digits_and_single_hyphens() {
        for good in ["change-freeze", "a", "q4-2026", "x".repeat(64).as_str()] {
            assert_eq!(good.parse::<ExceptionName>().unwrap().as_str(), good);
        }
        let long = "x".repeat(65);
        for bad in ["", "-a", "a-", "a--b", "A", "1a", "a b", "a_b", "ä", "a\u{200b}", "a\"", &long] {
            assert!(bad.parse::<ExceptionName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_same_names_are_the_same_facts_in_whatever_order() {
        let names = |all: &[&str]| all.iter().map(|name| name.parse().unwrap()).collect::<Exceptions>();
        assert_eq!(names(&["b", "a", "b"]), names(&["a", "b"]));
        assert!(names(&[]).is_empty() && names(&[]) == Exceptions::default());
    }
}
