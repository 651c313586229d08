//! `params`: what of it matters here, and how it is written anew.

use std::ops::Range;

use super::{
    malformed::Cause,
    names::{is_plain, refuse_folded},
};
use crate::json::{Strict, begin_member, push_string};

/// The members of `params` that something here depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params {
    /// `name` of a tool or a prompt.
    pub name: Option<Box<str>>,
    /// `uri` of a resource.
    pub uri: Option<Box<str>>,
    /// `taskId`.
    pub task: Option<Box<str>>,
    /// `ref`: what is completed.
    pub reference: Option<Reference>,
    /// `notifications.resourceSubscriptions`: the resources whose changes a subscription hears of.
    pub subscribed: Vec<Box<str>>,
    /// Is the request to run as a task (`task`, 2025-11-25), or to hear of tasks (`taskIds` to `subscriptions/listen`)?
    pub about_tasks: bool,
    /// The revision in `_meta` (2026-07-28 and later).
    pub meta_version: Option<Box<str>>,
    /// Does `_meta` declare the client's capabilities?
    pub meta_capabilities: bool,
    /// Can the client send its person to an address, as its capabilities say: in `_meta`, or where a session begins?
    pub opens_urls: bool,
    /// What came of ours in `inputResponses`: the person was sent to a page of ours, and what they did. Not sent on.
    pub sent_to_us: Option<SentToUs>,
    /// The task of ours that `_meta` names: for us alone, and not sent on.
    pub named_task: Option<Box<str>>,
    /// The revision that `initialize` asks for.
    pub asked_version: Option<Box<str>>,
    /// Where `arguments` stand in what is sent.
    pub(super) arguments: Option<Range<usize>>,
    /// `requestState`, and where it stands in what is sent.
    pub(super) request_state: Option<(Box<str>, Range<usize>)>,
}

impl Params {
    /// What the server handed out for a call that has to come again, as the client brings it.
    pub fn request_state(&self) -> Option<&str> {
        self.request_state.as_ref().map(|(state, _)| &**state)
    }
}

/// What a person did who was sent to a page of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SentToUs {
    /// They went there.
    Went,
    /// They did not want to, or something else came of it.
    DidNot,
}

/// What is to be completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// An argument of a prompt.
    Prompt(Box<str>),
    /// A variable of a resource template.
    Resource(Box<str>),
}

/// Reads `params`, and writes them anew to the end of `wire`.
pub(super) fn read(value: Strict<'_>, wire: &mut Vec<u8>) -> Result<Params, Cause> {
    let mut params = Params::default();
    wire.push(b'{');
    for (name, value) in value.members().ok_or(Cause::BadParam("params"))? {
        refuse_folded(&name, PARAMS)?;
        if name == "inputResponses" {
            params.sent_to_us = read_responses(value, wire)?;
            continue;
        }
        begin_member(wire, &name);
        let slot = match name.as_ref() {
            "name" => ("name", &mut params.name),
            "uri" => ("uri", &mut params.uri),
            "taskId" => ("taskId", &mut params.task),
            "protocolVersion" => ("protocolVersion", &mut params.asked_version),
            "_meta" => {
                read_meta(value, wire, &mut params)?;
                continue;
            }
            "ref" => {
                params.reference = Some(read_reference(value, wire)?);
                continue;
            }
            "arguments" => {
                let start = wire.len();
                wire.extend_from_slice(value.as_str().as_bytes());
                params.arguments = Some(start..wire.len());
                continue;
            }
            "requestState" => {
                let state = value.string().ok_or(Cause::BadParam("requestState"))?;
                let start = wire.len();
                push_string(wire, &state);
                params.request_state = Some((state.into(), start..wire.len()));
                continue;
            }
            "notifications" => {
                params.about_tasks |= read_notifications(value, &mut params.subscribed)?;
                wire.extend_from_slice(value.as_str().as_bytes());
                continue;
            }
            "capabilities" => {
                params.opens_urls |= opens_urls(value);
                wire.extend_from_slice(value.as_str().as_bytes());
                continue;
            }
            name => {
                params.about_tasks |= name == "task";
                wire.extend_from_slice(value.as_str().as_bytes());
                continue;
            }
        };
        let text = value.string().filter(|text| is_plain(text)).ok_or(Cause::BadParam(slot.0))?;
        push_string(wire, &text);
        *slot.1 = Some(Box::from(text));
    }
    wire.push(b'}');
    Ok(params)
}

/// Written anew without the one that is an answer to us; left out when there is no other.
///
/// Spec: MCP 2026-07-28 basic/patterns/mrtr
fn read_responses(value: Strict<'_>, wire: &mut Vec<u8>) -> Result<Option<SentToUs>, Cause> {
    let members = value.members().ok_or(Cause::BadParam("inputResponses"))?;
    let ours = members.iter().find(|(name, _)| name == STEP_UP);
    let Some((_, answer)) = ours else {
        begin_member(wire, "inputResponses");
        wire.extend_from_slice(value.as_str().as_bytes());
        return Ok(None);
    };
    let went = member(*answer, "action").and_then(|action| action.string()).as_deref() == Some("accept");
    let theirs: Vec<_> = members.iter().filter(|(name, _)| name != STEP_UP).collect();
    if !theirs.is_empty() {
        begin_member(wire, "inputResponses");
        wire.push(b'{');
        for (name, value) in theirs {
            begin_member(wire, name);
            wire.extend_from_slice(value.as_str().as_bytes());
        }
        wire.push(b'}');
    }
    Ok(Some(if went { SentToUs::Went } else { SentToUs::DidNot }))
}

fn member<'a>(value: Strict<'a>, name: &str) -> Option<Strict<'a>> {
    value.members()?.into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

/// Can the client send its person to an address?
///
/// Spec: MCP 2026-07-28 client/elicitation (capabilities), MCP 2025-11-25 basic/lifecycle (capability negotiation)
fn opens_urls(capabilities: Strict<'_>) -> bool {
    let elicitation = member(capabilities, "elicitation");
    elicitation.and_then(|elicitation| member(elicitation, "url")).is_some_and(|url| url.is_object())
}

/// Written anew: of its members only those that say what is completed.
///
/// Spec: MCP server/utilities/completion
fn read_reference(value: Strict<'_>, wire: &mut Vec<u8>) -> Result<Reference, Cause> {
    const WRONG: Cause = Cause::BadParam("ref");
    let (mut kind, mut name, mut uri) = (None, None, None);
    for (member, value) in value.members().ok_or(WRONG)? {
        refuse_folded(&member, &["type", "name", "uri", "title"])?;
        let text = || value.string().filter(|text| is_plain(text)).map(Box::<str>::from).ok_or(WRONG);
        match member.as_ref() {
            "type" => kind = Some(text()?),
            "name" => name = Some(text()?),
            "uri" => uri = Some(text()?),
            _ => {}
        }
    }
    let (reference, member, text) = match (kind.as_deref(), name, uri) {
        (Some("ref/prompt"), Some(name), None) => (Reference::Prompt(name.clone()), "name", name),
        (Some("ref/resource"), None, Some(uri)) => (Reference::Resource(uri.clone()), "uri", uri),
        _ => return Err(WRONG),
    };
    wire.push(b'{');
    begin_member(wire, "type");
    push_string(wire, kind.as_deref().unwrap_or_default());
    begin_member(wire, member);
    push_string(wire, &text);
    wire.push(b'}');
    Ok(reference)
}

/// Does it ask to hear of tasks? And of which resources.
///
/// Spec: SEP-2663 (task status notifications), MCP 2026-07-28 basic/patterns/subscriptions
fn read_notifications(notifications: Strict<'_>, subscribed: &mut Vec<Box<str>>) -> Result<bool, Cause> {
    const WRONG: Cause = Cause::BadParam("notifications");
    let mut wants_tasks = false;
    for (name, value) in notifications.members().unwrap_or_default() {
        refuse_folded(&name, &["taskIds", "resourceSubscriptions"])?;
        wants_tasks |= name == "taskIds";
        if name == "resourceSubscriptions" {
            for uri in value.elements().ok_or(WRONG)? {
                subscribed.push(uri.string().filter(|uri| is_plain(uri)).ok_or(WRONG)?.into());
            }
        }
    }
    Ok(wants_tasks)
}

fn read_meta(value: Strict<'_>, wire: &mut Vec<u8>, params: &mut Params) -> Result<(), Cause> {
    wire.push(b'{');
    for (name, value) in value.members().ok_or(Cause::BadParam("_meta"))? {
        refuse_folded(&name, META)?;
        if name == NAMED_TASK {
            let text = value.string().filter(|text| is_plain(text)).ok_or(Cause::BadParam(NAMED_TASK))?;
            params.named_task = Some(Box::from(text));
            continue;
        }
        begin_member(wire, &name);
        match name.as_ref() {
            PROTOCOL_VERSION => {
                let text = value.string().ok_or(Cause::BadParam(PROTOCOL_VERSION))?;
                push_string(wire, &text);
                params.meta_version = Some(Box::from(text));
            }
            name => {
                if name == CLIENT_CAPABILITIES {
                    params.meta_capabilities |= value.is_object();
                    params.opens_urls = opens_urls(value);
                }
                wire.extend_from_slice(value.as_str().as_bytes());
            }
        }
    }
    wire.push(b'}');
    Ok(())
}

/// The member of `_meta` that names the revision.
pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// The member of `_meta` that says what the client can do.
pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// The name of the request for input with which we send a person to a page of ours.
pub const STEP_UP: &str = "io.portcullis/step_up";

/// The member of `_meta` with which an agent names the task that its call belongs to.
pub const NAMED_TASK: &str = "io.portcullis/task";

const PARAMS: &[&str] = &[
    "_meta",
    "name",
    "arguments",
    "uri",
    "taskId",
    "cursor",
    "protocolVersion",
    "capabilities",
    "clientInfo",
    "requestState",
    "inputResponses",
    "requestId",
    "level",
    "ref",
    "argument",
    "task",
    "notifications",
];

const META: &[&str] = &[
    PROTOCOL_VERSION,
    CLIENT_CAPABILITIES,
    "io.modelcontextprotocol/clientInfo",
    "io.modelcontextprotocol/logLevel",
    NAMED_TASK,
];
