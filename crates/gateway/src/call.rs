//! One request for an upstream, as we understood it: everything that is sent is built from this.
//!
//! Spec: MCP basic/authorization (token passthrough is forbidden).
//!
//! Next: `authority::decide`.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use mcp::{
    jsonrpc::{Message, MethodCall, Reference},
    method::{self, ActsOn, Notification},
    revision::{Revision, header::VERSION},
};
use model::{CallTarget, Task, Tier, ToolName, config::TaskAccess, event::CallRest, resource, shown};

use crate::{protected_server::ProtectedServer, quota::Share, sealed::session::Session};

/// One request, understood but not yet decided on.
#[derive(Debug)]
pub struct Call {
    pub(crate) server: Arc<ProtectedServer>,
    pub(crate) revision: &'static dyn Revision,
    pub(crate) action: Action,
    pub(crate) session: Option<Session>,
    pub(crate) carried: Carried,
    /// Names this one request in records and in the log.
    pub(crate) request: Box<str>,
    /// What it counts as, for as long as anything of it is under way.
    pub(crate) share: Arc<Share>,
    /// The task that it belongs to, once it is known that it may be made in it.
    pub(crate) task: Option<Task>,
}

/// Why it can not be said what a call is about, or that it is about nothing that may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetError {
    /// The method is not in the table.
    UnknownMethod,
    /// A notification that no client of this revision sends: it is accepted, and goes no further.
    NotSentOn,
    /// It is about tasks, and this server's tasks are not opened.
    Tasks,
    /// `tools/call` without a tool's name, or with one that is no tool's.
    NoTool,
    /// The member of `params` that says what is acted on is missing.
    Missing(&'static str),
    /// A subscription to resources of two rules of the high tier.
    OneAtATime,
    /// An answer to a request of the server, outside of a session.
    OrphanResponse,
}

/// What the request wants.
#[derive(Debug)]
pub enum Action {
    /// A message is sent.
    Send(Box<Message>),
    /// GET: a stream of what the server has to say (sessions only).
    Listen,
    /// DELETE: the session is over (sessions only).
    EndSession,
}

/// What of a response is filtered before anybody sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filtered {
    /// Lists, and what is as plainly what a server says of itself.
    Lists,
    /// Whatever its result is, that is what the server says of itself.
    Introduction,
}

/// The few headers of the request that matter to an upstream, each copied by name.
#[derive(Debug, Default)]
pub struct Carried {
    /// `Accept`.
    pub accept: Option<HeaderValue>,
    /// `Last-Event-ID`, as the upstream wrote it (GET only).
    pub last_event_id: Option<HeaderValue>,
    /// `MCP-Protocol-Version`, when the client sent one that we know.
    pub version: Option<HeaderValue>,
    /// `traceparent` and `tracestate`.
    pub trace: Vec<(HeaderName, HeaderValue)>,
    /// `Mcp-Param-*` (2026-07-28), as far as they say what the body says.
    pub params: Vec<(HeaderName, HeaderValue)>,
}

fn prompt(name: &str) -> ToolName {
    ToolName::of_prompt(name).unwrap_or_else(|| ToolName::unnamed("prompt"))
}

fn of_rule(rule: Option<(&str, Tier)>) -> ToolName {
    rule.map_or_else(|| ToolName::unnamed("resource"), |(name, _)| ToolName::of_resource(name))
}

impl Carried {
    /// From the headers of a request that speaks `revision`.
    pub fn of(headers: &HeaderMap, revision: &dyn Revision) -> Self {
        let one = |name: &str| headers.get(name).filter(|value| value.len() <= 1024).cloned();
        let mut carried = Self {
            accept: one(header::ACCEPT.as_str()),
            version: one(VERSION).map(|_| HeaderValue::from_static(revision.name())),
            ..Self::default()
        };
        for name in ["traceparent", "tracestate"] {
            carried.trace.extend(one(name).map(|value| (HeaderName::from_static(name), value)));
        }
        carried
    }
}

impl Call {
    /// The method that the audit names: of the message, or of HTTP where there is none.
    pub fn method(&self) -> &str {
        match &self.action {
            Action::Send(message) => message.method().unwrap_or("response"),
            Action::Listen => "GET",
            Action::EndSession => "DELETE",
        }
    }

    /// The method of the upstream request.
    pub fn http_method(&self) -> Method {
        match &self.action {
            Action::Send(_) => Method::POST,
            Action::Listen => Method::GET,
            Action::EndSession => Method::DELETE,
        }
    }

    /// The message, if there is one.
    pub fn message(&self) -> Option<&Message> {
        match &self.action {
            Action::Send(message) => Some(message.as_ref()),
            Action::Listen | Action::EndSession => None,
        }
    }

    /// A request and its id, which has an answer; nothing else has.
    fn request(&self) -> Option<(&str, &MethodCall)> {
        match self.message()? {
            Message::Request { id, call } => Some((id, call)),
            Message::Notification(_) | Message::Response { .. } => None,
        }
    }

    /// What is called by a message.
    pub fn called(&self) -> Option<&MethodCall> {
        self.message().and_then(Message::call)
    }

    /// The method of a request, if its revision has it.
    fn asked(&self) -> Option<&'static method::Method> {
        self.request().and_then(|(_, call)| self.revision.method(call.method()))
    }

    /// The task that it names, unread.
    pub fn named_task(&self) -> Option<&str> {
        self.called()?.params().named_task.as_deref()
    }

    /// What its records say of its task.
    pub fn told_of_task(&self) -> CallRest {
        let Some(task) = &self.task else {
            // It was refused before anything was known of that task, or because of it.
            let named = self.named_task().map(|named| shown(named, 128));
            return CallRest { task: named, ..CallRest::default() };
        };
        let (digest, stop) = (task.digest.clone(), task.stop());
        CallRest { task: Some(task.id.to_string()), task_digest: Some(digest), stop: Some(stop), ..CallRest::default() }
    }

    /// The id of a request.
    pub fn request_id(&self) -> Option<&str> {
        self.request().map(|(id, _)| id)
    }

    /// Does it call a tool or a prompt, with arguments that it takes? Who completes one of them calls nothing.
    pub fn takes_arguments(&self) -> bool {
        self.asked().is_some_and(|method| matches!(method.acts_on, ActsOn::Tool | ActsOn::Prompt))
    }

    /// Does it only listen? Then it does nothing that could be done twice.
    pub fn listens(&self) -> bool {
        match &self.action {
            Action::Listen => true,
            Action::Send(_) => self.asked().is_some_and(|method| method.stands),
            Action::EndSession => false,
        }
    }

    /// Does it only listen, or end something? Then nothing could be done twice.
    pub fn does_nothing(&self) -> bool {
        self.message().is_none() || self.listens()
    }

    /// What of its response is filtered.
    pub fn filtered(&self) -> Option<Filtered> {
        match &self.action {
            Action::Send(_) => match self.asked()?.acts_on {
                ActsOn::List => Some(Filtered::Lists),
                ActsOn::Introduction => Some(Filtered::Introduction),
                _ => None,
            },
            // A resumed stream replays whatever was lost, lists included.
            Action::Listen => Some(Filtered::Lists),
            Action::EndSession => None,
        }
    }

    /// Of several resources the one with the most harm counts. Two rules of the high tier are two approvals, and one
    /// request can not have both.
    fn subscribed(&self, uris: &[Box<str>]) -> Result<Option<ToolName>, TargetError> {
        let rules = &self.server.config.resources;
        let mut all: Vec<_> = uris.iter().map(|uri| rules.find(uri)).collect();
        all.sort_by_key(|rule| rule.map_or(Tier::High, |(_, tier)| tier));
        all.dedup();
        match all.as_slice() {
            [] => Ok(None),
            several if several.contains(&None) => Ok(Some(of_rule(None))),
            [.., Some((_, Tier::High)), Some((_, Tier::High))] => Err(TargetError::OneAtATime),
            [.., most] => Ok(Some(of_rule(*most))),
        }
    }

    /// May it be sent, as far as it is about tasks?
    fn opens_tasks(&self, method: &str) -> bool {
        let asked = self.called().is_some_and(|call| call.params().about_tasks);
        self.server.tasks == TaskAccess::Shared || !asked && !method::is_about_tasks(method)
    }

    /// What the call is about, as the rules of its server classify it. Refuses what is not in the table.
    pub fn target(&self) -> Result<CallTarget, TargetError> {
        let target = self.server.target(self.subject()?);
        Ok(self.words_of().iter().fold(target, |target, name| target.held_by(self.server.definitions.pin(name))))
    }

    /// Of the resources or the template that it names, what the catalogue may know of their words.
    fn words_of(&self) -> Vec<ToolName> {
        let Some((_, call)) = self.request() else { return Vec::new() };
        let params = call.params();
        let of_uri = |uri: &str| ToolName::of_uri(&resource::reading(uri)?);
        match self.revision.method(call.method()).map(|method| method.acts_on) {
            Some(ActsOn::Resource) => params.uri.as_deref().and_then(of_uri).into_iter().collect(),
            Some(ActsOn::Subscribed) => params.subscribed.iter().filter_map(|uri| of_uri(uri)).collect(),
            Some(ActsOn::Completed) => match &params.reference {
                Some(Reference::Resource(template)) => ToolName::of_template(template).into_iter().collect(),
                Some(Reference::Prompt(_)) | None => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// What the call acts on: a tool, a resource, a prompt, or the server as such.
    ///
    /// Unknown methods, notifications and tasks would be side doors around the tools.
    fn subject(&self) -> Result<Option<ToolName>, TargetError> {
        let Action::Send(message) = &self.action else { return Ok(None) };
        match &**message {
            Message::Response { .. } if self.session.is_none() => Err(TargetError::OrphanResponse),
            Message::Response { .. } => Ok(None),
            Message::Notification(call) => match self.revision.notification(call.method()) {
                Notification::Known if !self.opens_tasks(call.method()) => Err(TargetError::NotSentOn),
                Notification::Known => Ok(None),
                Notification::Unknown => Err(TargetError::NotSentOn),
                Notification::None => Err(TargetError::UnknownMethod),
            },
            Message::Request { call, .. } => {
                let method = self.revision.method(call.method()).ok_or(TargetError::UnknownMethod)?;
                if !self.opens_tasks(method.name) {
                    return Err(TargetError::Tasks);
                }
                let params = call.params();
                let rules = &self.server.config.resources;
                match method.acts_on {
                    ActsOn::Server | ActsOn::Introduction | ActsOn::List => Ok(None),
                    ActsOn::Tool => {
                        let name = params.name.as_deref().ok_or(TargetError::NoTool)?;
                        name.parse().map(Some).map_err(|_| TargetError::NoTool)
                    }
                    ActsOn::Prompt => params.name.as_deref().map(prompt).ok_or(TargetError::Missing("name")).map(Some),
                    ActsOn::Resource => {
                        let uri = params.uri.as_deref().ok_or(TargetError::Missing("uri"))?;
                        Ok(Some(of_rule(rules.find(uri))))
                    }
                    ActsOn::Completed => {
                        Ok(Some(match params.reference.as_ref().ok_or(TargetError::Missing("ref"))? {
                            Reference::Prompt(name) => prompt(name),
                            Reference::Resource(uri) => of_rule(rules.find_template(uri)),
                        }))
                    }
                    ActsOn::Subscribed => self.subscribed(&params.subscribed),
                }
            }
        }
    }
}
