//! 2026-07-28: stateless; every request carries what the handshake used to settle.
//!
//! Headers repeat the body for the benefit of intermediaries. We read the body, therefore we compare:
//! an intermediary in front of us must not have routed, limited or logged by another name than the one
//! that is called.
//!
//! Spec: MCP 2026-07-28 basic/index (`_meta`), basic/transports/streamable-http (standard headers), SEP-2243.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::{
    header::{self, decoded, encoded, single},
    not_spoken::NotSpoken,
    param_headers::{self, ParamHeaders},
    rules::{ChallengeScopes, ComesBack, Revision, SendsTo},
};
use crate::{
    jsonrpc::{CLIENT_CAPABILITIES, Message, MethodCall, PROTOCOL_VERSION, STEP_UP, code},
    method::{self, Method},
};

/// 2026-07-28.
#[derive(Debug)]
pub(super) struct V2026_07_28;

impl Revision for V2026_07_28 {
    fn name(&self) -> &'static str {
        "2026-07-28"
    }

    fn methods(&self) -> &'static [Method] {
        METHODS
    }

    fn notifications(&self) -> &'static [&'static str] {
        &["notifications/cancelled"]
    }

    fn has_sessions(&self) -> bool {
        false
    }

    fn comes_back(&self) -> ComesBack {
        ComesBack::RequestStates
    }

    /// Spec: MCP basic/authorization (scope challenge handling), SEP-2350
    fn challenge_scopes(&self) -> ChallengeScopes {
        ChallengeScopes::Needed
    }

    /// First the headers, then `_meta`: a server that reads headers before bodies answers in this order.
    fn check(&self, headers: &HeaderMap, message: &Message) -> Result<(), NotSpoken> {
        let call = message.call().ok_or(NotSpoken::ResponseSent)?;
        compare_method(headers, call, message.is_request())?;
        compare_name(headers, call)?;
        param_headers::count(headers)?;
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

    fn argument_headers(
        &self,
        headers: &HeaderMap,
        call: &MethodCall,
        known: &ParamHeaders,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, NotSpoken> {
        param_headers::agreeing(headers, call, known)
    }

    fn write_headers(&self, call: &MethodCall, headers: &mut HeaderMap) {
        let name = named(call).and_then(|(_, name)| encoded(name?));
        let version = Some(HeaderValue::from_static(self.name()));
        let repeated = [(header::VERSION, version), (header::METHOD, encoded(call.method())), (header::NAME, name)];
        for (header, value) in repeated {
            if let Some(value) = value {
                headers.insert(HeaderName::from_static(header), value);
            }
        }
    }

    fn client_meta(&self) -> Option<Value> {
        Some(json!({PROTOCOL_VERSION: self.name(), CLIENT_CAPABILITIES: {}}))
    }

    /// Spec: MCP 2026-07-28 basic/transports/streamable-http (statuses)
    fn error_status(&self, code: i32) -> StatusCode {
        match code {
            code::METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// Spec: MCP 2026-07-28 basic/index (`resultType`)
    fn complete(&self, result: &mut Value) {
        result["resultType"] = "complete".into();
    }

    /// Spec: MCP 2026-07-28 basic/patterns/mrtr, client/elicitation (url mode)
    fn sends_to(&self, url: &str, message: &str, _: &str) -> Option<SendsTo> {
        let params = json!({"mode": "url", "url": url, "message": message});
        let request = json!({"method": "elicitation/create", "params": params});
        Some(SendsTo::Result(json!({"resultType": "input_required", "inputRequests": {STEP_UP: request}})))
    }

    /// Spec: MCP 2026-07-28 basic/patterns/subscriptions (a server that ends one answers the request)
    fn farewell(&self, id: &str) -> Option<String> {
        Some(format!("{{\"resultType\":\"complete\",\"_meta\":{{\"io.modelcontextprotocol/subscriptionId\":{id}}}}}"))
    }

    /// Spec: MCP 2026-07-28 server/utilities/caching (`cacheScope`)
    fn list_members(&self) -> &'static [(&'static str, &'static str)] {
        &[("cacheScope", "\"private\"")]
    }
}

fn compare_method(headers: &HeaderMap, call: &MethodCall, is_request: bool) -> Result<(), NotSpoken> {
    match single(headers, header::METHOD)? {
        Some(value) if decode("Mcp-Method", value)? == call.method() => Ok(()),
        Some(_) => Err(NotSpoken::HeaderMismatch("Mcp-Method does not match the method".into())),
        None if !is_request => Ok(()),
        None => Err(NotSpoken::HeaderMismatch("the header Mcp-Method is missing".into())),
    }
}

fn compare_name(headers: &HeaderMap, call: &MethodCall) -> Result<(), NotSpoken> {
    let Some((member, named)) = named(call) else { return Ok(()) };
    let header = single(headers, header::NAME)?.map(|value| decode("Mcp-Name", value)).transpose()?;
    match (header, named) {
        (None, None) => Ok(()),
        (Some(header), Some(named)) if header == named => Ok(()),
        (None, Some(_)) => Err(NotSpoken::HeaderMismatch("the header Mcp-Name is missing".into())),
        _ => Err(NotSpoken::HeaderMismatch(format!("Mcp-Name does not match params.{member}"))),
    }
}

/// The member of `params` that `Mcp-Name` repeats, and its value.
fn named(call: &MethodCall) -> Option<(&'static str, Option<&str>)> {
    let by = METHODS.iter().find(|method| method.name == call.method())?.named_by?;
    Some((by.member(), by.of(call.params())))
}

fn decode(name: &str, value: &str) -> Result<String, NotSpoken> {
    decoded(value).ok_or_else(|| NotSpoken::HeaderMismatch(format!("{name} is not valid base64 of UTF-8 text")))
}

/// Spec: MCP 2026-07-28 schema (client requests)
const METHODS: &[Method] = &[
    method::TOOLS_CALL,
    method::TOOLS_LIST,
    method::SERVER_DISCOVER,
    method::SUBSCRIPTIONS_LISTEN,
    method::RESOURCES_LIST,
    method::RESOURCE_TEMPLATES_LIST,
    method::RESOURCES_READ,
    method::PROMPTS_LIST,
    method::PROMPTS_GET,
    method::COMPLETION_COMPLETE,
    method::TASKS_GET,
    method::TASKS_UPDATE,
    method::TASKS_CANCEL,
    method::TASKS_LIST,
    method::TASKS_RESULT,
];
