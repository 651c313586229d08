//! Items of lists that are left out because nobody could ever call them, each named in the log once.
//!
//! What policy hides is not named: it differs from one viewer to the next, and the console shows it.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use mcp::list::List;
use model::{Id, Server, ToolName};

/// What was said of one server.
#[derive(Debug, Default)]
pub struct Omitted(Mutex<HashSet<u64>>);

/// Why an item is left out.
#[derive(Clone, Copy, Debug, Hash)]
pub enum Why {
    /// It does not say what it is called.
    Nameless,
    /// Its name could not be called, and no rule could match it.
    Name,
    /// It has two readings.
    Ambiguous,
}

/// More are not remembered, nor said.
const MANY: usize = 1024;

impl Omitted {
    /// Says it, unless it was said before.
    pub fn say(&self, server: &Id<Server>, list: List, name: &str, why: Why) {
        if !self.is_new(list, name, why) {
            return;
        }
        let name: String = name.chars().filter(|c| !c.is_control()).take(128).collect();
        tracing::warn!(event = "tool_left_out", %server, %list, name, why = why.as_str());
    }

    fn is_new(&self, list: List, name: &str, why: Why) -> bool {
        use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
        let digest = BuildHasherDefault::<DefaultHasher>::default().hash_one((list, name, why));
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.len() < MANY && said.insert(digest)
    }
}

impl Why {
    /// What is wrong with a name, if anything is.
    pub fn of(name: &str) -> Option<Self> {
        name.parse::<ToolName>().is_err().then_some(Self::Name)
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Nameless => "it has no name",
            Self::Name => {
                "nobody can call it and no rule can match it: a name has 1 to 128 of the characters \
                 A-Z a-z 0-9 _ . - /, and nothing empty, `.` or `..` beside a slash; the server has to name it otherwise"
            }
            Self::Ambiguous => "two parsers could read it differently; the server has to list it as strict JSON",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_said_once_and_their_number_is_bounded() {
        let omitted = Omitted::default();
        assert!(omitted.is_new(List::Tools, "a b", Why::Name) && !omitted.is_new(List::Tools, "a b", Why::Name));
        assert!(omitted.is_new(List::Prompts, "a b", Why::Name) && omitted.is_new(List::Tools, "a b", Why::Ambiguous));
        let said = (0..2 * MANY).filter(|n| omitted.is_new(List::Tools, &n.to_string(), Why::Name)).count();
        assert_eq!(said, MANY - 3);
    }
}
