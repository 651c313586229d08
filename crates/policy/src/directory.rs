//! What the configuration says of people, servers and tools, as far as policies see it: read once, when policies are loaded.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cedar_policy::{EntityUid, RestrictedExpression};
use model::{Id, Person, Server, ToolName, config::ToolGroups};

use crate::words::{self, uid};

/// Who is in which group, for whom which server is, which tools are in which group, and whose definitions are not pinned.
#[derive(Debug, Default)]
pub struct Directory {
    groups: HashMap<Id<Person>, Vec<EntityUid>>,
    reserved: HashMap<Id<Server>, RestrictedExpression>,
    unpinned: BTreeSet<Id<Server>>,
    tool_groups: HashMap<Id<Server>, ToolGroups>,
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

    /// With names for several tools of a server.
    #[must_use]
    pub fn with_tool_groups(mut self, server: Id<Server>, groups: ToolGroups) -> Self {
        self.tool_groups.insert(server, groups);
        self
    }

    /// The groups that a tool, a rule of resources or a prompt is in.
    pub(crate) fn groups_of_tool(&self, server: &Id<Server>, tool: &ToolName) -> Vec<EntityUid> {
        let groups = self.tool_groups.get(server).into_iter().flat_map(|groups| groups.of(tool));
        groups.map(|group| uid(&words::TOOL_GROUP, &format!("{server}.{group}"))).collect()
    }

    /// Is there a group of tools of that name: `tickets.exports`?
    pub(crate) fn has_tool_group(&self, name: &str) -> bool {
        self.group(name).is_some()
    }

    /// Is that tool in that group, each with the name of its server?
    pub(crate) fn is_in_group(&self, group: &str, tool: &str) -> bool {
        let Some((groups, server, group)) = self.group(group) else { return false };
        let name = tool.strip_prefix(server.as_str()).and_then(ToolName::after_server);
        name.is_some_and(|name| groups.of(&name).any(|of| of == group))
    }

    /// The groups of all servers, with their servers' names.
    pub(crate) fn tool_groups(&self) -> Vec<String> {
        let of = |(server, groups): (&Id<Server>, &ToolGroups)| {
            groups.iter().map(|(group, _)| format!("{server}.{group}")).collect::<Vec<_>>()
        };
        let mut all: Vec<_> = self.tool_groups.iter().flat_map(of).collect();
        all.sort_unstable();
        all
    }

    fn group<'g>(&self, name: &'g str) -> Option<(&ToolGroups, Id<Server>, &'g str)> {
        let (server, group) = name.split_once('.')?;
        let server: Id<Server> = server.parse().ok()?;
        let groups = self.tool_groups.get(&server).filter(|groups| groups.has(group))?;
        Some((groups, server, group))
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
