//! The upstream request, built afresh from the call. What is not written here is not sent.
//!
//! There is no code path from the inbound header map to here, so the client's token, cookies and
//! forwarding headers have no way to leave.
//!
//! Spec: MCP basic/authorization (token passthrough), 2026-07-28 basic/transports/streamable-http;
//! security best practices (token passthrough).

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use hyper::body::Incoming;
use mcp::{revision::header::VERSION, session, sse::LAST_EVENT_ID};
use model::Span;
use net::UpstreamError;

use super::send_error::{NothingLeft, SendError};
use crate::{
    call::{Action, Call},
    record::Recorded,
    sealed::session::Session,
};

/// Sends a call whose intent is on record, and waits for the head of the response.
///
/// Only where no connection could be made did nothing leave; after that, nobody knows what the server did. What only
/// listens may be silent for as long as it is: some servers send the head with the first event.
pub async fn send(recorded: &Recorded<Call>, longest: Span) -> Result<Response<Incoming>, SendError> {
    let call = recorded.call();
    let deadline = if call.listens() { longest } else { call.server.timeout };
    let body = call.message().map_or_else(Bytes::new, |message| message.wire());
    let sent = call.server.upstream.send(call.http_method(), || headers(call), body, deadline.duration()).await;
    sent.map_err(|error| {
        let server = call.server.id.to_string();
        let unreachable = matches!(error, UpstreamError::Unreachable(_));
        if let Some(count) = call.server.failed(if unreachable { "unreachable" } else { "broken" }) {
            tracing::warn!(event = "upstream_failed", %server, %error, count);
        }
        match error {
            UpstreamError::Unreachable(_) => SendError::NotSent(NothingLeft::without_connection()),
            UpstreamError::TimedOut(_) => SendError::TimedOut,
            UpstreamError::Broken(_) => SendError::Broken,
        }
    })
}

fn headers(call: &Call) -> HeaderMap {
    let carried = &call.carried;
    let mut headers = HeaderMap::with_capacity(12);
    let mut put = |name: HeaderName, value: Option<&HeaderValue>| {
        if let Some(value) = value {
            headers.insert(name, value.clone());
        }
    };
    put(header::ACCEPT, carried.accept.as_ref());
    // Some servers compress unless they are told not to, and nothing here is decompressed.
    put(header::ACCEPT_ENCODING, Some(&HeaderValue::from_static("identity")));
    put(header::USER_AGENT, Some(&HeaderValue::from_static(concat!("portcullis/", env!("CARGO_PKG_VERSION")))));
    put(HeaderName::from_static(VERSION), carried.version.as_ref());
    put(HeaderName::from_static(session::HEADER), call.session.as_ref().map(Session::theirs));
    put(HeaderName::from_static(LAST_EVENT_ID), carried.last_event_id.as_ref());
    for (name, value) in carried.trace.iter().chain(&carried.params) {
        put(name.clone(), Some(value));
    }
    if let Action::Send(message) = &call.action {
        put(header::CONTENT_TYPE, Some(&HeaderValue::from_static("application/json")));
        if let Some(called) = message.call() {
            call.revision.write_headers(called, &mut headers);
        }
    }
    for (name, value) in &call.server.headers {
        headers.insert(name.clone(), value.clone());
    }
    headers
}
