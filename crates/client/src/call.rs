//! One MCP request at the newest revision, and its answer as an agent must read it.
//!
//! Spec: MCP 2026-07-28 basic/transports/streamable-http, basic/authorization.

use ::http::{HeaderValue, Method, header};
use mcp::{challenge::Challenge, jsonrpc, revision, transport::http};
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

/// Sends `method`; `name` of a tool goes into the `Mcp-Name` header as well.
pub async fn request(
    web: &net::WebClient,
    endpoint: &str,
    token: Option<&str>,
    method: &str,
    call: Option<(&str, Value)>,
) -> Result<Answer, ClientError> {
    let unexpected = |what: String| ClientError::Unexpected { url: endpoint.to_owned(), what };
    let mut params = json!({"_meta": {
        "io.modelcontextprotocol/clientInfo": {"name": "portcullis", "version": env!("CARGO_PKG_VERSION")},
    }});
    if let Some((name, arguments)) = call {
        params["name"] = name.into();
        params["arguments"] = arguments;
    }
    let post = http::request(revision::newest(), 1, method, params);
    let mut post = post.map_err(|malformed| unexpected(format!("nothing: {}", malformed.cause)))?;
    if let Some(token) = token {
        let bearer = HeaderValue::from_str(&format!("Bearer {token}"));
        let bearer = bearer.map_err(|_| unexpected("nothing: the token is no header value".into()))?;
        post.headers.insert(header::AUTHORIZATION, bearer);
    }
    let response = send(web, Method::POST, endpoint, post.headers, post.body).await?;
    Ok(read(&response))
}

fn read(response: &net::WebResponse) -> Answer {
    let challenge = Challenge::of(&response.headers);
    match response.status.as_u16() {
        401 => return Answer::Challenged(challenge),
        403 if challenge.error() == Some("insufficient_scope") => return Answer::StepUp(challenge),
        _ => {}
    }
    let answer = http::answer(&response.headers, &response.body).and_then(|message| jsonrpc::answer(&message));
    match answer {
        Some(jsonrpc::Answer::Error { code, message }) => Answer::Error { code, message },
        Some(jsonrpc::Answer::Result(result)) if response.status.is_success() => Answer::Result(result),
        _ => Answer::Refused {
            status: response.status.as_u16(),
            body: String::from_utf8_lossy(&response.body).chars().take(200).collect(),
        },
    }
}
