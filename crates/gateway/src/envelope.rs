//! One JSON-RPC message: the only reading of a request body.
//!
//! What is decided on and what is sent are the same value: [`Message::wire`] is our own serialisation
//! of what [`parse`] read, with every member name spelled out, so no other spelling can reach the
//! upstream. Arguments and other values travel as the text they came as: digits and unknown members
//! survive. The bytes of the client never do.
//!
//! Spec: JSON-RPC 2.0 §4, §5; MCP basic/index (messages), basic/transports/streamable-http (a single message).
//!
//! Next: `revision::speak`.

use std::ops::Range;

use bytes::Bytes;

use crate::strict_json::{self, NotStrict, Strict, push_string};

/// One message, parsed and serialised anew.
#[derive(Debug, Clone)]
pub struct Message {
    kind: Kind,
    id: Option<Box<str>>,
    method: Box<str>,
    params: Params,
    wire: Bytes,
}

/// What sort of message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A method with an id: wants an answer.
    Request,
    /// A method without an id.
    Notification,
    /// An answer to a request that the server made.
    Response,
}

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
    /// The revision that `initialize` asks for.
    pub asked_version: Option<Box<str>>,
    /// Where `arguments` stand in what is sent.
    arguments: Option<Range<usize>>,
    /// `requestState`, and where it stands in what is sent.
    state: Option<(Box<str>, Range<usize>)>,
}

impl Params {
    /// What the server handed out for a call that has to come again, as the client brings it.
    pub fn state(&self) -> Option<&str> {
        self.state.as_ref().map(|(state, _)| &**state)
    }
}

/// What is to be completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// An argument of a prompt.
    Prompt(Box<str>),
    /// A variable of a resource template.
    Resource(Box<str>),
}

/// Why a body is not one message, and the id to answer to, where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The id, as raw JSON text.
    pub id: Option<Box<str>>,
    /// The cause.
    pub cause: Cause,
}

/// Why a body is not one message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// Two parsers could read it differently.
    #[error(transparent)]
    NotStrict(#[from] NotStrict),
    /// An array: batches were removed in 2025-06-18.
    #[error("a batch: send one message per request")]
    Batch,
    /// Some other value.
    #[error("a message is a JSON object")]
    NotAnObject,
    /// No `"jsonrpc":"2.0"`.
    #[error("`jsonrpc` must be \"2.0\"")]
    NotJsonRpc,
    /// An id that is an object, an array or a boolean.
    #[error("`id` must be a string or a number")]
    BadId,
    /// Neither a method nor an answer, or both.
    #[error("a message has either `method`, or `id` with one of `result` and `error`")]
    Shapeless,
    /// A member that some parsers take for another one.
    #[error("a member name differs from `{0}` only in case")]
    Folded(&'static str),
    /// `params` is not what every method has.
    #[error("`{0}` in `params` has the wrong type")]
    BadParam(&'static str),
}

impl Cause {
    /// The JSON-RPC code.
    ///
    /// Spec: JSON-RPC 2.0 §5.1
    pub const fn code(&self) -> i32 {
        match self {
            Self::NotStrict(_) => -32700,
            Self::BadParam(_) => -32602,
            Self::Batch | Self::NotAnObject | Self::NotJsonRpc | Self::BadId | Self::Shapeless | Self::Folded(_) => {
                -32600
            }
        }
    }
}

/// Reads `body` as one message.
///
/// Spec: MCP 2026-07-28 basic/transports/streamable-http (the body is a single message).
pub fn parse(body: &[u8]) -> Result<Message, Malformed> {
    let anonymous = |cause: Cause| Malformed { id: None, cause };
    let whole = strict_json::check(body).map_err(|why| anonymous(why.into()))?;
    let members = match whole.members() {
        Some(members) => members,
        None if whole.as_str().starts_with('[') => return Err(anonymous(Cause::Batch)),
        None => return Err(anonymous(Cause::NotAnObject)),
    };
    let id = members.iter().find(|(name, _)| name == "id").map(|(_, id)| *id);
    let id = match id {
        Some(id) if !is_id(id) => return Err(anonymous(Cause::BadId)),
        id => id.map(|id| Box::from(id.as_str())),
    };
    let message = assemble(&members, id.clone(), body.len());
    message.map_err(|cause| Malformed { id, cause })
}

impl Message {
    /// What sort of message it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The id as raw JSON text.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The method; empty for a response.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// What of `params` matters here.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The arguments of a call, as they are sent.
    pub fn arguments(&self) -> Option<&[u8]> {
        self.wire.get(self.params.arguments.clone()?)
    }

    /// Sends `state` in place of what the client brought.
    pub fn bring_back(&mut self, state: &str) {
        let Some((_, part)) = self.params.state.take() else { return };
        let mut wire = Vec::with_capacity(self.wire.len() + state.len());
        wire.extend_from_slice(&self.wire[..part.start]);
        push_string(&mut wire, state);
        wire.extend_from_slice(&self.wire[part.end..]);
        self.wire = wire.into();
        // They stand elsewhere now, and were looked at before.
        self.params.arguments = None;
    }

    /// What is sent upstream.
    pub fn wire(&self) -> Bytes {
        self.wire.clone()
    }
}

type Member<'a> = (std::borrow::Cow<'a, str>, Strict<'a>);

fn is_id(id: Strict<'_>) -> bool {
    id.is_number() || id.as_str().starts_with('"') || id.as_str() == "null"
}

fn assemble(members: &[Member<'_>], id: Option<Box<str>>, size: usize) -> Result<Message, Cause> {
    let mut wire = Vec::with_capacity(size + 16);
    let (mut version, mut method, mut answers) = (false, None, 0);
    let mut params = Params::default();
    wire.push(b'{');
    for (name, value) in members {
        refuse_folded(name, ENVELOPE)?;
        if !ENVELOPE.contains(&name.as_ref()) {
            continue;
        }
        begin_member(&mut wire, name);
        match name.as_ref() {
            "jsonrpc" => {
                version = value.string().as_deref() == Some("2.0");
                wire.extend_from_slice(b"\"2.0\"");
            }
            "method" => {
                let text = value.string().filter(|text| !text.is_empty() && is_plain(text)).ok_or(Cause::Shapeless)?;
                push_string(&mut wire, &text);
                method = Some(Box::from(text));
            }
            "id" => match value.string() {
                Some(text) => push_string(&mut wire, &text),
                None => wire.extend_from_slice(value.as_str().as_bytes()),
            },
            "params" => params = read_params(*value, &mut wire)?,
            "result" | "error" => {
                answers += 1;
                wire.extend_from_slice(value.as_str().as_bytes());
            }
            _ => wire.extend_from_slice(value.as_str().as_bytes()),
        }
    }
    wire.push(b'}');
    if !version {
        return Err(Cause::NotJsonRpc);
    }
    let kind = match (&method, &id, answers) {
        (Some(_), Some(_), 0) => Kind::Request,
        (Some(_), None, 0) => Kind::Notification,
        (None, Some(_), 1) => Kind::Response,
        _ => return Err(Cause::Shapeless),
    };
    Ok(Message { kind, id, method: method.unwrap_or_default(), params, wire: wire.into() })
}

fn read_params(value: Strict<'_>, wire: &mut Vec<u8>) -> Result<Params, Cause> {
    let mut params = Params::default();
    wire.push(b'{');
    for (name, value) in value.members().ok_or(Cause::BadParam("params"))? {
        refuse_folded(&name, PARAMS)?;
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
                params.state = Some((state.into(), start..wire.len()));
                continue;
            }
            "notifications" => {
                params.about_tasks |= read_notifications(value, &mut params.subscribed)?;
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

/// No control character, at which a reader could end the text.
fn is_plain(text: &str) -> bool {
    !text.bytes().any(|byte| byte.is_ascii_control())
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
        begin_member(wire, &name);
        match name.as_ref() {
            PROTOCOL_VERSION => {
                let text = value.string().ok_or(Cause::BadParam(PROTOCOL_VERSION))?;
                push_string(wire, &text);
                params.meta_version = Some(Box::from(text));
            }
            name => {
                params.meta_capabilities |= name == CLIENT_CAPABILITIES && value.is_object();
                wire.extend_from_slice(value.as_str().as_bytes());
            }
        }
    }
    wire.push(b'}');
    Ok(())
}

fn begin_member(wire: &mut Vec<u8>, name: &str) {
    if wire.last() != Some(&b'{') {
        wire.push(b',');
    }
    push_string(wire, name);
    wire.push(b':');
}

/// `Method` and `paramſ` are other members to us and the same members to a reader that ignores case.
///
/// CVE-2026-27896: a reader folded case down to U+017F and U+212A.
fn refuse_folded(name: &str, known: &[&'static str]) -> Result<(), Cause> {
    // No two known names are the same but for case, so one that is known is nothing else.
    if known.contains(&name) {
        return Ok(());
    }
    let fold = |c: char| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    };
    let is_folded = |known: &&&str| match name.is_ascii() {
        true => name.eq_ignore_ascii_case(known),
        false => name.chars().map(fold).eq(known.chars().map(fold)),
    };
    match known.iter().find(is_folded) {
        Some(known) => Err(Cause::Folded(known)),
        None => Ok(()),
    }
}

const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

const ENVELOPE: &[&str] = &["jsonrpc", "id", "method", "params", "result", "error"];

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

const META: &[&str] =
    &[PROTOCOL_VERSION, CLIENT_CAPABILITIES, "io.modelcontextprotocol/clientInfo", "io.modelcontextprotocol/logLevel"];

#[cfg(test)]
mod tests;
