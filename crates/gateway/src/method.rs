//! The methods of the protocol: what is not in this table is refused.
//!
//! Spec: MCP 2026-07-28 and 2025-11-25 schemas (client requests).

/// A method that a client may send.
#[derive(Debug, PartialEq, Eq)]
pub struct Method {
    /// Its name on the wire.
    pub name: &'static str,
    /// The revisions that have it.
    pub eras: Eras,
    /// What it acts on.
    pub acts_on: ActsOn,
    /// The member of `params` that `Mcp-Name` repeats (2026-07-28).
    pub named_by: Option<NamedBy>,
}

/// Which revisions have a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eras {
    /// 2026-07-28 and later.
    Stateless,
    /// 2025-11-25 and earlier.
    Sessions,
    /// All.
    Both,
}

/// What a method acts on, and thereby what decides its tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActsOn {
    /// The protocol itself: the baseline is enough.
    Server,
    /// The tool it names: the tool's tier.
    Tool,
    /// The resource it names: the tier of its rule.
    Resource,
    /// The prompt it names: the prompt's tier.
    Prompt,
    /// The prompt or resource whose values it completes.
    Completed,
    /// The resources whose changes it hears of, if any.
    Subscribed,
    /// As [`ActsOn::Server`], and its result lists tools, resources or prompts, which is filtered.
    List,
}

/// The member of `params` that names what a method acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedBy {
    /// `params.name`.
    Name,
    /// `params.uri`.
    Uri,
    /// `params.taskId`.
    Task,
}

/// Looks `name` up.
pub fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}

/// Does it read, continue or cancel a task?
///
/// A task's id says nothing about who began it.
pub fn is_about_tasks(name: &str) -> bool {
    name.starts_with("tasks/") || name.starts_with("notifications/tasks/")
}

/// What becomes of a message that wants no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notification {
    /// One that a client of this era may send.
    Known,
    /// Named like one, and not in the table: a server could take it for more than a notice.
    Unknown,
    /// A request without an id would be carried out without anybody hearing of it.
    None,
}

/// Looks `name` up among the notifications of an era.
pub fn notification(name: &str, modern: bool) -> Notification {
    match NOTIFICATIONS.iter().find(|(known, eras)| *known == name && eras.include(modern)) {
        Some(_) => Notification::Known,
        None if name.starts_with("notifications/") => Notification::Unknown,
        None => Notification::None,
    }
}

/// Every notification that a client may send.
///
/// Spec: MCP 2026-07-28 and 2025-11-25 schemas (client notifications).
const NOTIFICATIONS: &[(&str, Eras)] = &[
    ("notifications/cancelled", Eras::Both),
    ("notifications/progress", Eras::Sessions),
    ("notifications/initialized", Eras::Sessions),
    ("notifications/roots/list_changed", Eras::Sessions),
    ("notifications/tasks/status", Eras::Sessions),
];

impl Eras {
    /// Does a revision of this kind have it?
    pub fn include(self, modern: bool) -> bool {
        match self {
            Self::Stateless => modern,
            Self::Sessions => !modern,
            Self::Both => true,
        }
    }
}

const fn method(name: &'static str, eras: Eras) -> Method {
    Method { name, eras, acts_on: ActsOn::Server, named_by: None }
}

const fn named(name: &'static str, eras: Eras, by: NamedBy) -> Method {
    Method { name, eras, acts_on: ActsOn::Server, named_by: Some(by) }
}

const fn acting(name: &'static str, eras: Eras, acts_on: ActsOn) -> Method {
    Method { name, eras, acts_on, named_by: None }
}

/// Every request a client may send.
pub const METHODS: &[Method] = &[
    Method { name: "tools/call", eras: Eras::Both, acts_on: ActsOn::Tool, named_by: Some(NamedBy::Name) },
    Method { name: "tools/list", eras: Eras::Both, acts_on: ActsOn::List, named_by: None },
    method("server/discover", Eras::Stateless),
    acting("subscriptions/listen", Eras::Stateless, ActsOn::Subscribed),
    method("initialize", Eras::Sessions),
    method("ping", Eras::Sessions),
    method("logging/setLevel", Eras::Sessions),
    acting("resources/list", Eras::Both, ActsOn::List),
    acting("resources/templates/list", Eras::Both, ActsOn::List),
    Method { name: "resources/read", eras: Eras::Both, acts_on: ActsOn::Resource, named_by: Some(NamedBy::Uri) },
    acting("resources/subscribe", Eras::Sessions, ActsOn::Resource),
    acting("resources/unsubscribe", Eras::Sessions, ActsOn::Resource),
    acting("prompts/list", Eras::Both, ActsOn::List),
    Method { name: "prompts/get", eras: Eras::Both, acts_on: ActsOn::Prompt, named_by: Some(NamedBy::Name) },
    acting("completion/complete", Eras::Both, ActsOn::Completed),
    named("tasks/get", Eras::Both, NamedBy::Task),
    named("tasks/update", Eras::Both, NamedBy::Task),
    named("tasks/cancel", Eras::Both, NamedBy::Task),
    method("tasks/list", Eras::Both),
    method("tasks/result", Eras::Both),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_stands_in_the_table_once() {
        let mut names: Vec<_> = METHODS.iter().map(|method| method.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), METHODS.len());
    }

    /// Unknown methods would be side doors around the tools.
    #[test]
    fn a_method_nobody_wrote_down_does_not_exist() {
        for name in ["", "tools/Call", "tools/call ", "tools", "rpc.discover", "sampling/createMessage", "tools//call"]
        {
            assert!(find(name).is_none(), "{name:?}");
        }
    }

    /// Spec: MCP 2026-07-28 and 2025-11-25 schemas (client notifications)
    #[test]
    fn only_the_notifications_of_its_era_go_from_a_client_to_a_server() {
        for (name, old, new) in [
            ("notifications/cancelled", Notification::Known, Notification::Known),
            ("notifications/initialized", Notification::Known, Notification::Unknown),
            ("notifications/progress", Notification::Known, Notification::Unknown),
            ("notifications/roots/list_changed", Notification::Known, Notification::Unknown),
            ("notifications/message", Notification::Unknown, Notification::Unknown),
            ("notifications/tools/list_changed", Notification::Unknown, Notification::Unknown),
            ("notifications/cancelled/x", Notification::Unknown, Notification::Unknown),
            ("notifications/Cancelled", Notification::Unknown, Notification::Unknown),
            ("tools/call", Notification::None, Notification::None),
            ("notifications", Notification::None, Notification::None),
        ] {
            assert_eq!((notification(name, false), notification(name, true)), (old, new), "{name}");
        }
    }

    #[test]
    fn only_a_tool_call_acts_on_a_tool() {
        let tools: Vec<_> = METHODS.iter().filter(|method| method.acts_on == ActsOn::Tool).map(|m| m.name).collect();
        assert_eq!(tools, ["tools/call"]);
    }
}
