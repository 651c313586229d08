//! The methods of the protocol: what no revision has in its table is refused.
//!
//! Spec: MCP 2026-07-28 and 2025-11-25 schemas (client requests).

use crate::jsonrpc::Params;

/// A method that a client may send.
#[derive(Debug, PartialEq, Eq)]
pub struct Method {
    /// Its name on the wire.
    pub name: &'static str,
    /// What it acts on.
    pub acts_on: ActsOn,
    /// The member of `params` that `Mcp-Name` repeats (2026-07-28).
    pub named_by: Option<NamedBy>,
    /// Is its answer a standing stream, which stays open until somebody ends it?
    pub stands: bool,
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
    /// As [`ActsOn::Server`], and its result is what the server says of itself, which is filtered.
    Introduction,
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

/// What becomes of a message that wants no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notification {
    /// One that a client of this revision may send.
    Known,
    /// Named like one, and not in the table: a server could take it for more than a notice.
    Unknown,
    /// A request without an id would be carried out without anybody hearing of it.
    None,
}

/// Does it read, continue or cancel a task?
///
/// A task's id says nothing about who began it.
pub fn is_about_tasks(name: &str) -> bool {
    name.starts_with("tasks/") || name.starts_with("notifications/tasks/")
}

impl NamedBy {
    /// The name of the member.
    pub const fn member(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Uri => "uri",
            Self::Task => "taskId",
        }
    }

    /// Its value.
    pub fn of(self, params: &Params) -> Option<&str> {
        match self {
            Self::Name => params.name.as_deref(),
            Self::Uri => params.uri.as_deref(),
            Self::Task => params.task.as_deref(),
        }
    }
}

impl Method {
    const fn new(name: &'static str) -> Self {
        Self { name, acts_on: ActsOn::Server, named_by: None, stands: false }
    }

    const fn acting(self, acts_on: ActsOn) -> Self {
        Self { acts_on, ..self }
    }

    const fn named(self, by: NamedBy) -> Self {
        Self { named_by: Some(by), ..self }
    }
}

/// Calls a tool.
pub const TOOLS_CALL: Method = Method::new("tools/call").acting(ActsOn::Tool).named(NamedBy::Name);
/// Lists the tools.
pub const TOOLS_LIST: Method = Method::new("tools/list").acting(ActsOn::List);
/// Lists the resources.
pub const RESOURCES_LIST: Method = Method::new("resources/list").acting(ActsOn::List);
/// Lists the resource templates.
pub const RESOURCE_TEMPLATES_LIST: Method = Method::new("resources/templates/list").acting(ActsOn::List);
/// Reads a resource.
pub const RESOURCES_READ: Method = Method::new("resources/read").acting(ActsOn::Resource).named(NamedBy::Uri);
/// Asks to hear of the changes of a resource (sessions).
pub const RESOURCES_SUBSCRIBE: Method = Method::new("resources/subscribe").acting(ActsOn::Resource);
/// Asks to hear of them no more (sessions).
pub const RESOURCES_UNSUBSCRIBE: Method = Method::new("resources/unsubscribe").acting(ActsOn::Resource);
/// Lists the prompts.
pub const PROMPTS_LIST: Method = Method::new("prompts/list").acting(ActsOn::List);
/// Gets a prompt.
pub const PROMPTS_GET: Method = Method::new("prompts/get").acting(ActsOn::Prompt).named(NamedBy::Name);
/// Completes an argument of a prompt or of a resource template.
pub const COMPLETION_COMPLETE: Method = Method::new("completion/complete").acting(ActsOn::Completed);
/// Reads a task.
pub const TASKS_GET: Method = Method::new("tasks/get").named(NamedBy::Task);
/// Gives a task what it asked for.
pub const TASKS_UPDATE: Method = Method::new("tasks/update").named(NamedBy::Task);
/// Ends a task.
pub const TASKS_CANCEL: Method = Method::new("tasks/cancel").named(NamedBy::Task);
/// Lists the tasks.
pub const TASKS_LIST: Method = Method::new("tasks/list");
/// Waits for the result of a task.
pub const TASKS_RESULT: Method = Method::new("tasks/result");
/// Begins a session.
pub const INITIALIZE: Method = Method::new("initialize").acting(ActsOn::Introduction);
/// Asks whether anybody is there (sessions).
pub const PING: Method = Method::new("ping");
/// Says which log messages to send (sessions).
pub const LOGGING_SET_LEVEL: Method = Method::new("logging/setLevel");
/// Asks what the server is and can do (stateless).
pub const SERVER_DISCOVER: Method = Method::new("server/discover").acting(ActsOn::Introduction);
/// Asks to hear of changes, on a stream that stays open (stateless).
pub const SUBSCRIPTIONS_LISTEN: Method =
    Method { stands: true, ..Method::new("subscriptions/listen").acting(ActsOn::Subscribed) };
