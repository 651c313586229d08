//! One MCP request at revision 2026-07-28, and its answer as an agent must read it.
//!
//! Spec: MCP 2026-07-28 basic/transports/streamable-http, basic/authorization.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::{Value, json};

use crate::{ClientError, send};

/// What came back.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The result of the request.
    Result(Value),
    /// A JSON-RPC error.
    Error {
        /// Its code.
        code: i64,
        /// Its message.
        message: String,
    },
    /// 401: a token is needed, or this one is no good (any more).
    Challenged(Challenge),
    /// 403 `insufficient_scope`: the token is fine but more is needed.
    StepUp(Challenge),
    /// Any other refusal.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The body, shortened.
        body: String,
    },
}

/// The parameters of a `WWW-Authenticate: Bearer` challenge (RFC 6750 §3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Challenge {
    /// Where to find who guards the resource.
    pub resource_metadata: Option<String>,
    /// What to ask for.
    pub scope: Option<String>,
    /// The error code.
    pub error: Option<String>,
    /// What a person would want to know.
    pub error_description: Option<String>,
}

/// Sends `method`; `name` of a tool goes into the `Mcp-Name` header as well.
pub async fn request(
    web: &net::WebClient,
    endpoint: &str,
    token: Option<&str>,
    method: &str,
    call: Option<(&str, Value)>,
) -> Result<Answer, ClientError> {
    let mut params = json!({"_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "portcullis", "version": env!("CARGO_PKG_VERSION")},
    }});
    let mut headers = HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream")),
        (HeaderName::from_static("mcp-protocol-version"), HeaderValue::from_static("2026-07-28")),
    ]);
    let mut set = |name: &'static str, value: &str| match HeaderValue::from_str(value) {
        Ok(value) => {
            headers.insert(HeaderName::from_static(name), value);
            Ok(())
        }
        Err(_) => {
            Err(ClientError::Unexpected { url: endpoint.to_owned(), what: format!("a {name} that is no header value") })
        }
    };
    set("mcp-method", method)?;
    if let Some((name, arguments)) = call {
        set("mcp-name", name)?;
        params["name"] = name.into();
        params["arguments"] = arguments;
    }
    if let Some(token) = token {
        set("authorization", &format!("Bearer {token}"))?;
    }
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let response = send(web, Method::POST, endpoint, headers, body).await?;
    Ok(read(&response))
}

fn read(response: &net::WebResponse) -> Answer {
    let challenge = || {
        response
            .headers
            .get(header::WWW_AUTHENTICATE)
            .and_then(|value| value.to_str().ok())
            .map(parse_challenge)
            .unwrap_or_default()
    };
    match response.status.as_u16() {
        401 => return Answer::Challenged(challenge()),
        403 => {
            let challenge = challenge();
            if challenge.error.as_deref() == Some("insufficient_scope") {
                return Answer::StepUp(challenge);
            }
        }
        _ => {}
    }
    match message(response) {
        Some(message) if message["error"].is_object() => Answer::Error {
            code: message["error"]["code"].as_i64().unwrap_or(0),
            message: message["error"]["message"].as_str().unwrap_or_default().to_owned(),
        },
        Some(mut message) if response.status.is_success() => Answer::Result(message["result"].take()),
        _ => Answer::Refused {
            status: response.status.as_u16(),
            body: String::from_utf8_lossy(&response.body).chars().take(200).collect(),
        },
    }
}

/// The JSON-RPC response in a body that is JSON or a stream of events.
pub(crate) fn message(response: &net::WebResponse) -> Option<Value> {
    serde_json::from_slice(&message_text(response)?).ok()
}

/// The same, as it was written.
pub(crate) fn message_text(response: &net::WebResponse) -> Option<Vec<u8>> {
    let is_stream = response
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("text/event-stream"));
    if !is_stream {
        return Some(response.body.to_vec());
    }
    let text = String::from_utf8_lossy(&response.body);
    let is_answer = |data: &String| {
        serde_json::from_str::<Value>(data)
            .is_ok_and(|message| message.get("result").is_some() || message.get("error").is_some())
    };
    messages(&text).find(is_answer).map(String::into_bytes)
}

/// The data of each event that is a message, its lines joined. An event of another name is not for the protocol.
///
/// Spec: WHATWG HTML §9.2.6 (CR, LF and CRLF end a line; a blank line ends an event, and one that the end of the stream
/// cuts off is discarded)
fn messages(text: &str) -> impl Iterator<Item = String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
    let is_message =
        |event: &&str| event.lines().all(|line| matches!(field(line, "event"), None | Some("" | "message")));
    let data = |event: &str| event.lines().filter_map(|line| field(line, "data")).collect::<Vec<_>>().join("\n");
    let ended = text.rsplit_once("\n\n").map_or("", |(ended, _)| ended);
    ended.split("\n\n").filter(is_message).map(data).collect::<Vec<_>>().into_iter()
}

fn field<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let value = line.strip_prefix(name)?;
    if value.is_empty() {
        return Some("");
    }
    value.strip_prefix(':').map(|value| value.strip_prefix(' ').unwrap_or(value))
}

/// Spec: RFC 6750 §3, RFC 9110 §11.2 (quoted strings; an attribute we do not know is skipped)
fn parse_challenge(text: &str) -> Challenge {
    let mut challenge = Challenge::default();
    let mut rest = text.trim_start_matches("Bearer").trim_start();
    while let Some((name, after)) = rest.split_once('=') {
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => match quoted.split_once('"') {
                Some((value, after)) => (value, after),
                None => break,
            },
            None => after.split_once(',').unwrap_or((after, "")),
        };
        let slot = match name.trim() {
            "resource_metadata" => Some(&mut challenge.resource_metadata),
            "scope" => Some(&mut challenge.scope),
            "error" => Some(&mut challenge.error),
            "error_description" => Some(&mut challenge.error_description),
            _ => None,
        };
        if let Some(slot) = slot {
            *slot = Some(value.to_owned());
        }
        rest = after.trim_start_matches([',', ' ']);
    }
    challenge
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec: RFC 6750 §3
    #[test]
    fn a_challenge_is_read_with_all_its_attributes() {
        let read = parse_challenge(
            r#"Bearer realm="tickets", error="insufficient_scope", scope="tickets:low tickets.delete_ticket", resource_metadata="https://gw.test/x", error_description="a, b""#,
        );
        assert_eq!(read.error.as_deref(), Some("insufficient_scope"));
        assert_eq!(read.scope.as_deref(), Some("tickets:low tickets.delete_ticket"));
        assert_eq!(read.resource_metadata.as_deref(), Some("https://gw.test/x"));
        assert_eq!(read.error_description.as_deref(), Some("a, b"));
    }

    #[test]
    fn a_broken_challenge_says_nothing() {
        for text in ["", "Basic", "Bearer", "Bearer scope=\"never closed", "Bearer ="] {
            assert_eq!(parse_challenge(text), Challenge::default(), "{text}");
        }
    }

    /// Field: G5
    #[test]
    fn a_message_over_several_lines_of_any_kind_is_one() {
        for text in [
            "data: {\"a\":\ndata: 1}\n\n",
            "\u{feff}: ping\r\n\r\nid: 1\r\ndata: {\"a\":\r\ndata:1}\r\n\r\n",
            "event: message\rdata: {\rdata\rdata: \"a\":1}\r\r",
            "event: ping\ndata: {\"a\": 2}\n\ndata: {\"a\":1}\n\n",
        ] {
            let read: Vec<Value> = messages(text).filter_map(|data| serde_json::from_str(&data).ok()).collect();
            assert_eq!(read, [json!({"a": 1})], "{text:?}");
        }
    }

    /// The gate and the SDKs discard it, so `check` does not read it either.
    ///
    /// Field: G10
    #[test]
    fn an_event_that_the_end_cuts_off_is_no_message() {
        for text in ["data: {\"a\":1}\n", "data: {\"a\":1}", "data: {\"a\":1}\r\n", "event: message\ndata: {\"a\":1}\n"]
        {
            assert_eq!(messages(text).filter(|data| !data.is_empty()).count(), 0, "{text:?}");
        }
    }
}
