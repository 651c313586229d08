//! 2026-07-28: stateless; every request carries what the handshake used to settle.
//!
//! Headers repeat the body for the benefit of intermediaries. We read the body, therefore we compare:
//! an intermediary in front of us must not have routed, limited or logged by another name than the one
//! that is called.
//!
//! Spec: MCP 2026-07-28 basic/index (`_meta`), basic/transports/streamable-http (standard headers), SEP-2243.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue};

use mcp::jsonrpc::{CLIENT_CAPABILITIES, Message, MethodCall, PROTOCOL_VERSION};

use super::{NotSpoken, single};
use crate::method::{self, NamedBy};

/// First the headers, then `_meta`: a server that reads headers before bodies answers in this order.
pub(super) fn check(headers: &HeaderMap, message: &Message) -> Result<(), NotSpoken> {
    let call = message.call().ok_or(NotSpoken::ResponseSent)?;
    compare_method(headers, call, message.is_request())?;
    compare_name(headers, call)?;
    count_params(headers)?;
    if message.is_request() {
        if call.params().meta_version.is_none() {
            return Err(NotSpoken::MissingMeta(PROTOCOL_VERSION));
        }
        if !call.params().meta_capabilities {
            return Err(NotSpoken::MissingMeta(CLIENT_CAPABILITIES));
        }
    }
    Ok(())
}

fn compare_method(headers: &HeaderMap, call: &MethodCall, is_request: bool) -> Result<(), NotSpoken> {
    match single(headers, "mcp-method")? {
        Some(value) if decode("Mcp-Method", value)? == call.method() => Ok(()),
        Some(_) => Err(NotSpoken::HeaderMismatch("Mcp-Method does not match the method".into())),
        None if !is_request => Ok(()),
        None => Err(NotSpoken::HeaderMismatch("the header Mcp-Method is missing".into())),
    }
}

fn compare_name(headers: &HeaderMap, call: &MethodCall) -> Result<(), NotSpoken> {
    let Some(by) = method::find(call.method()).and_then(|method| method.named_by) else { return Ok(()) };
    let params = call.params();
    let (member, named) = match by {
        NamedBy::Name => ("name", &params.name),
        NamedBy::Uri => ("uri", &params.uri),
        NamedBy::Task => ("taskId", &params.task),
    };
    let header = single(headers, "mcp-name")?.map(|value| decode("Mcp-Name", value)).transpose()?;
    match (header, named) {
        (None, None) => Ok(()),
        (Some(header), Some(named)) if header == **named => Ok(()),
        (None, Some(_)) => Err(NotSpoken::HeaderMismatch("the header Mcp-Name is missing".into())),
        _ => Err(NotSpoken::HeaderMismatch(format!("Mcp-Name does not match params.{member}"))),
    }
}

/// More `Mcp-Param-*` headers than this are refused.
const MANY: usize = 64;

/// Which of two values an intermediary believed cannot be known. What they say is compared in `mirrored`.
fn count_params(headers: &HeaderMap) -> Result<(), NotSpoken> {
    let names = || headers.keys().filter(|name| is_param(name));
    if let Some(name) = names().find(|name| headers.get_all(*name).iter().nth(1).is_some()) {
        return Err(NotSpoken::HeaderMismatch(format!("the header {name} occurs twice")));
    }
    match names().nth(MANY) {
        Some(_) => Err(NotSpoken::HeaderMismatch(format!("there are more than {MANY} headers Mcp-Param-*"))),
        None => Ok(()),
    }
}

/// Does a header repeat an argument of the call?
pub(crate) fn is_param(name: &HeaderName) -> bool {
    name.as_str().starts_with("mcp-param-")
}

fn decode(name: &str, value: &str) -> Result<String, NotSpoken> {
    decoded(value).ok_or_else(|| NotSpoken::HeaderMismatch(format!("{name} is not valid base64 of UTF-8 text")))
}

/// `=?base64?…?=` carries what a header cannot.
pub(crate) fn decoded(value: &str) -> Option<String> {
    match value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) {
        Some(encoded) => BASE64_STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok()),
        None => Some(value.to_owned()),
    }
}

/// Plain where a header can carry it, `=?base64?…?=` otherwise.
///
/// Spec: SEP-2243 (value encoding).
pub(crate) fn encoded(text: &str) -> Option<HeaderValue> {
    let plain =
        text.bytes().all(|b| (0x20..0x7f).contains(&b)) && text.trim() == text && !text.starts_with("=?base64?");
    if plain {
        return HeaderValue::from_str(text).ok();
    }
    HeaderValue::try_from(format!("=?base64?{}?=", BASE64_STANDARD.encode(text))).ok()
}
