//! What the configuration says of people and servers, as far as policies see it: read once, when policies are loaded.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cedar_policy::{EntityUid, RestrictedExpression};
use model::{Id, Person, Server};

use crate::words::{self, uid};

/// Who is in which group, for whom which server is, and whose definitions are not pinned.
#[derive(Debug, Default)]
pub struct Directory {
    groups: HashMap<Id<Person>, Vec<EntityUid>>,
    reserved: HashMap<Id<Server>, RestrictedExpression>,
    unpinned: BTreeSet<Id<Server>>,
}

impl Directory {
    /// With a person who is in these groups.
    #[must_use]
    pub fn with_person<'g>(mut self, person: Id<Person>, groups: impl IntoIterator<Item = &'g str>) -> Self {
        let groups = groups.into_iter().map(|group| uid(&words::GROUP, group)).collect();
        self.groups.insert(person, groups);
        self
    }

    /// With a server that is for these groups alone. For none of them: for nobody.
    #[must_use]
    pub fn with_server_for<'g>(mut self, server: Id<Server>, groups: impl IntoIterator<Item = &'g str>) -> Self {
        let groups = groups.into_iter().map(|group| RestrictedExpression::new_entity_uid(uid(&words::GROUP, group)));
        self.reserved.insert(server, RestrictedExpression::new_set(groups));
        self
    }

    /// With a server whose definitions are not pinned.
    #[must_use]
    pub fn with_unpinned(mut self, server: Id<Server>) -> Self {
        self.unpinned.insert(server);
        self
    }

    /// The groups that a person is in.
    pub(crate) fn groups(&self, person: &Id<Person>) -> &[EntityUid] {
        self.groups.get(person).map_or(&[], Vec::as_slice)
    }

    /// The groups that a server is for, as a set; `None` when it is for everybody.
    pub(crate) fn reserved(&self, server: &Id<Server>) -> Option<&RestrictedExpression> {
        self.reserved.get(server)
    }

    /// Does nothing count of what the server says of its tools?
    pub(crate) fn is_unpinned(&self, server: &Id<Server>) -> bool {
        self.unpinned.contains(server)
    }
}

/// What was accepted of each tool's arguments, by the name that policies know it by.
#[derive(Clone, Debug, Default)]
pub struct Accepted(pub(crate) BTreeMap<String, crate::InputType>);

impl Accepted {
    /// With one more: `tickets.delete_ticket`.
    pub fn insert(&mut self, tool: String, input: crate::InputType) {
        self.0.insert(tool, input);
    }

    /// What was accepted of the arguments of a tool.
    pub fn of(&self, tool: &str) -> Option<&crate::InputType> {
        self.0.get(tool)
    }
}
