//! Definitions that passed by and are not what is known: held here at once, until they are written down for every node.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use catalogue::Definition;
use model::ToolName;

/// What was noticed and is not written down yet.
#[derive(Debug, Default)]
pub struct Noticed {
    definitions: Mutex<HashMap<ToolName, Definition>>,
    /// There is something, as far as a call has to look.
    any: AtomicBool,
    /// Somebody writes.
    writing: AtomicBool,
}

/// More are not kept in memory. What is not accepted is held all the same, and what is can be no more than this.
const MANY: usize = 20_000;

impl Noticed {
    /// Is something else listed under this name than what is written down?
    pub fn is_other(&self, name: &ToolName) -> bool {
        self.is_any() && self.lock().contains_key(name)
    }

    /// What else is listed under this name than what is written down.
    pub fn other(&self, name: &ToolName) -> Option<Definition> {
        if self.is_any() { self.lock().get(name).cloned() } else { None }
    }

    /// Is there anything to write?
    pub fn is_any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// Takes one more; `false` when it was there, or there is no room.
    pub fn insert(&self, definition: Definition) -> bool {
        let mut all = self.lock();
        if all.get(definition.name()) == Some(&definition) || all.len() >= MANY {
            return false;
        }
        all.insert(definition.name().clone(), definition);
        self.any.store(true, Ordering::Release);
        true
    }

    /// Some of what is to be written.
    pub fn some(&self, count: usize) -> Vec<Definition> {
        self.lock().values().take(count).cloned().collect()
    }

    /// These are written down. What came meanwhile stays.
    pub fn written(&self, written: &[Definition]) {
        let mut all = self.lock();
        for definition in written {
            if all.get(definition.name()) == Some(definition) {
                all.remove(definition.name());
            }
        }
        self.any.store(!all.is_empty(), Ordering::Release);
    }

    /// Who asks writes from now on; `false` when somebody does.
    pub fn begins(&self) -> bool {
        self.is_any() && !self.writing.swap(true, Ordering::AcqRel)
    }

    /// Who wrote has ended.
    pub fn ends(&self) {
        self.writing.store(false, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ToolName, Definition>> {
        self.definitions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(description: &str) -> Definition {
        let text = format!(r#"{{"name":"a","description":"{description}"}}"#);
        Definition::of_tool(mcp::json::check(text.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn what_comes_while_something_is_written_is_not_forgotten() {
        let (noticed, name) = (Noticed::default(), "a".parse().unwrap());
        assert!(!noticed.is_other(&name) && !noticed.begins());
        assert!(noticed.insert(tool("x")) && !noticed.insert(tool("x")));
        assert!(noticed.is_other(&name) && noticed.begins() && !noticed.begins());
        let written = noticed.some(9);
        assert!(noticed.insert(tool("y")));
        noticed.written(&written);
        noticed.ends();
        assert!(noticed.is_other(&name) && noticed.begins());
        noticed.written(&noticed.some(9));
        assert!(!noticed.is_any());
    }
}
