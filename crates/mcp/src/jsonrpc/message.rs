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

use std::borrow::Cow;

use bytes::Bytes;

use super::{
    malformed::{Cause, Malformed},
    names::{is_plain, refuse_folded},
    params::{self, Params},
};
use crate::json::{self, Strict, begin_member, push_string};

/// One message, parsed and serialised anew.
#[derive(Debug, Clone)]
pub enum Message {
    /// Wants an answer.
    Request {
        /// The id, as raw JSON text.
        id: Box<str>,
        /// What is asked for.
        call: MethodCall,
    },
    /// Wants none.
    Notification(MethodCall),
    /// An answer to a request that the server made.
    Response {
        /// The id, as raw JSON text.
        id: Box<str>,
        /// All of it, as it is sent.
        wire: Bytes,
    },
}

/// A method with its parameters: of a request or of a notification.
#[derive(Debug, Clone)]
pub struct MethodCall {
    method: Box<str>,
    params: Params,
    wire: Bytes,
}

/// Reads `body` as one message.
///
/// Spec: MCP 2026-07-28 basic/transports/streamable-http (the body is a single message).
pub fn parse(body: &[u8]) -> Result<Message, Malformed> {
    let anonymous = |cause: Cause| Malformed { id: None, cause };
    let whole = json::check(body).map_err(|why| anonymous(why.into()))?;
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
    /// The id as raw JSON text; a notification has none.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Request { id, .. } | Self::Response { id, .. } => Some(id),
            Self::Notification(_) => None,
        }
    }

    /// What is called; a response calls nothing.
    pub fn call(&self) -> Option<&MethodCall> {
        match self {
            Self::Request { call, .. } | Self::Notification(call) => Some(call),
            Self::Response { .. } => None,
        }
    }

    /// The method; a response has none.
    pub fn method(&self) -> Option<&str> {
        self.call().map(MethodCall::method)
    }

    /// Is it a request, which has an answer?
    pub fn is_request(&self) -> bool {
        matches!(self, Self::Request { .. })
    }

    /// What is sent upstream.
    pub fn wire(&self) -> Bytes {
        match self {
            Self::Request { call, .. } | Self::Notification(call) => call.wire.clone(),
            Self::Response { wire, .. } => wire.clone(),
        }
    }

    /// Sends `state` in place of the `requestState` that the client brought.
    pub fn set_request_state(&mut self, state: &str) {
        if let Self::Request { call, .. } | Self::Notification(call) = self {
            call.set_request_state(state);
        }
    }
}

impl MethodCall {
    /// The method.
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

    fn set_request_state(&mut self, state: &str) {
        let Some((_, part)) = self.params.request_state.take() else { return };
        let mut wire = Vec::with_capacity(self.wire.len() + state.len());
        wire.extend_from_slice(&self.wire[..part.start]);
        push_string(&mut wire, state);
        let end = wire.len();
        wire.extend_from_slice(&self.wire[part.end..]);
        self.wire = wire.into();
        // What came after it stands elsewhere now. It is still looked at: whoever brings back a state brings arguments, too.
        if let Some(arguments) = self.params.arguments.as_mut().filter(|arguments| arguments.start >= part.end) {
            let moved = |at: usize| at - part.end + end;
            *arguments = moved(arguments.start)..moved(arguments.end);
        }
    }
}

type Member<'a> = (Cow<'a, str>, Strict<'a>);

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
            "params" => params = params::read(*value, &mut wire)?,
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
    let wire = wire.into();
    match (method, id, answers) {
        (Some(method), Some(id), 0) => Ok(Message::Request { id, call: MethodCall { method, params, wire } }),
        (Some(method), None, 0) => Ok(Message::Notification(MethodCall { method, params, wire })),
        (None, Some(id), 1) => Ok(Message::Response { id, wire }),
        _ => Err(Cause::Shapeless),
    }
}

const ENVELOPE: &[&str] = &["jsonrpc", "id", "method", "params", "result", "error"];
