//! Streamable HTTP: a message goes in a POST, its answer comes as JSON or in a stream of events.
//!
//! Spec: MCP basic/transports/streamable-http.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Value, json};

use crate::{
    jsonrpc::{self, Malformed},
    revision::Revision,
    sse::{self, Splitter},
};

/// What kind of body these headers announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// `application/json`
    Json,
    /// `text/event-stream`
    Events,
    /// Anything else.
    Other,
}

impl Media {
    /// Of a request or a response.
    pub fn of(headers: &HeaderMap) -> Self {
        let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        match text.split(';').next().unwrap_or("").trim() {
            kind if kind.eq_ignore_ascii_case("application/json") => Self::Json,
            kind if kind.eq_ignore_ascii_case("text/event-stream") => Self::Events,
            _ => Self::Other,
        }
    }
}

/// A request as a client sends it.
#[derive(Debug, Clone)]
pub struct Post {
    /// `Content-Type`, `Accept`, and what the revision repeats in headers.
    pub headers: HeaderMap,
    /// The message.
    pub body: String,
}

/// The request `id` for `method`, in the words of `revision`.
///
/// # Errors
/// When a gate would refuse what it reads in it.
pub fn request(revision: &dyn Revision, id: u64, method: &str, mut params: Value) -> Result<Post, Malformed> {
    if let Some(Value::Object(meta)) = revision.client_meta() {
        for (name, value) in meta {
            params["_meta"][name] = value;
        }
    }
    post(revision, json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
}

/// A notification without parameters, in the words of `revision`.
///
/// # Errors
/// When a gate would refuse what it reads in it.
pub fn notification(revision: &dyn Revision, method: &str) -> Result<Post, Malformed> {
    post(revision, json!({"jsonrpc": "2.0", "method": method}))
}

fn post(revision: &dyn Revision, message: Value) -> Result<Post, Malformed> {
    let body = message.to_string();
    let mut headers = HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::ACCEPT, HeaderValue::from_static(ACCEPT)),
    ]);
    if let Some(call) = jsonrpc::parse(body.as_bytes())?.call() {
        revision.write_headers(call, &mut headers);
    }
    Ok(Post { headers, body })
}

/// The message that answers a request, in a whole body: the body itself, or the first answer in its events.
pub fn answer(headers: &HeaderMap, body: &Bytes) -> Option<Bytes> {
    if Media::of(headers) != Media::Events {
        return Some(body.clone());
    }
    let mut splitter = Splitter::new(body.len());
    splitter.push(body);
    while let Ok(Some(event)) = splitter.take() {
        let message = sse::data(&event).filter(|_| sse::is_message(&event));
        if let Some(message) = message.filter(|message| jsonrpc::answer(message).is_some()) {
            return Some(message.into());
        }
    }
    None
}

/// What a client takes as the answer to a POST.
const ACCEPT: &str = "application/json, text/event-stream";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revision::find;

    /// Field: G5
    #[test]
    fn a_message_over_several_lines_of_any_kind_is_one() {
        let events = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"))]);
        for text in [
            "data: {\"result\":\ndata: 1}\n\n",
            "\u{feff}: ping\r\n\r\nid: 1\r\ndata: {\"result\":\r\ndata:1}\r\n\r\n",
            "event: message\rdata: {\rdata\rdata: \"result\":1}\r\r",
            "event: ping\ndata: {\"result\": 2}\n\ndata: {\"method\":\"x\"}\n\ndata: {\"result\":1}\n\n",
        ] {
            let read = answer(&events, &Bytes::from_static(text.as_bytes())).unwrap();
            let read: Value = serde_json::from_slice(&read).unwrap();
            assert_eq!(read, json!({"result": 1}), "{text:?}");
        }
    }

    /// The gate and the SDKs discard it, so `check` does not read it either.
    ///
    /// Field: G10
    #[test]
    fn an_event_that_the_end_cuts_off_is_no_message() {
        let events = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"))]);
        for text in [
            "data: {\"result\":1}\n",
            "data: {\"result\":1}",
            "data: {\"result\":1}\r\n",
            "event: message\ndata: {\"result\":1}\n",
        ] {
            assert_eq!(answer(&events, &Bytes::from_static(text.as_bytes())), None, "{text:?}");
        }
    }

    #[test]
    fn a_request_is_in_the_words_of_its_revision() {
        let stateless = request(find("2026-07-28").unwrap(), 1, "tools/call", json!({"name": "größe"})).unwrap();
        assert_eq!(stateless.headers["mcp-protocol-version"], "2026-07-28");
        assert_eq!(stateless.headers["mcp-method"], "tools/call");
        assert_eq!(stateless.headers["mcp-name"], "=?base64?Z3LDtsOfZQ==?=");
        assert!(stateless.body.contains("io.modelcontextprotocol/clientCapabilities"));
        let session = request(find("2025-11-25").unwrap(), 1, "tools/call", json!({"name": "größe"})).unwrap();
        assert_eq!(session.headers.len(), 2);
        let body: Value = serde_json::from_str(&session.body).unwrap();
        assert_eq!(body, json!({"id": 1, "jsonrpc": "2.0", "method": "tools/call", "params": {"name": "größe"}}));
        assert!(request(find("2025-11-25").unwrap(), 1, "tools/call", json!({"Name": "x"})).is_err());
    }
}
