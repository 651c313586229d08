//! The tools of a server, asked directly, in whichever era it speaks.
//!
//! Spec: MCP 2026-07-28 server/tools, basic/versioning (fall back to `initialize` unless the
//! answer is a recognised modern error); MCP 2025-11-25 basic/lifecycle.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use model::Secret;
use net::redirect::{HOPS, onward, shown};
use serde::Serialize;
use serde_json::{Value, json};

use url::Url;

use crate::{ClientError, mcp::message, send};

/// A tool as its server lists it. Nothing in here is trusted.
#[derive(Clone, Debug, Serialize)]
pub struct ListedTool {
    /// Its name.
    pub name: String,
    /// What it says it does.
    pub description: String,
}

/// A list longer than this is taken for a fault.
const PAGES: usize = 50;

/// Lists the tools of the server at `endpoint`, with these headers on every request.
pub async fn list_tools(
    web: &net::WebClient,
    endpoint: &str,
    headers: &BTreeMap<String, Secret>,
) -> Result<Vec<ListedTool>, ClientError> {
    let mut base = HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream")),
        (header::ACCEPT_ENCODING, HeaderValue::from_static("identity")),
        (header::USER_AGENT, HeaderValue::from_static(concat!("portcullis/", env!("CARGO_PKG_VERSION")))),
    ]);
    for (name, value) in headers {
        let (Ok(name), Ok(mut value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value.expose())) else {
            return Err(ClientError::Unexpected {
                url: endpoint.to_owned(),
                what: format!("nothing: the configured header {name} is not a valid header"),
            });
        };
        value.set_sensitive(true);
        base.insert(name, value);
    }
    match modern(web, endpoint, &base).await? {
        Some(tools) => Ok(tools),
        None => sessions(web, endpoint, &base).await,
    }
}

/// `None`: the server does not speak 2026-07-28.
async fn modern(
    web: &net::WebClient,
    endpoint: &str,
    base: &HeaderMap,
) -> Result<Option<Vec<ListedTool>>, ClientError> {
    let mut headers = base.clone();
    headers.insert("mcp-protocol-version", HeaderValue::from_static("2026-07-28"));
    headers.insert("mcp-method", HeaderValue::from_static("tools/list"));
    let mut tools = Vec::new();
    let mut cursor = Value::Null;
    for _ in 0..PAGES {
        let mut params = json!({"_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }});
        if !cursor.is_null() {
            params["cursor"] = cursor;
        }
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params}).to_string();
        let response = ask(web, Method::POST, endpoint, headers.clone(), body).await?;
        let Some(result) = message(&response).and_then(|mut message| {
            let result = message["result"].take();
            (response.status.is_success() && result["tools"].is_array()).then_some(result)
        }) else {
            return Ok(None);
        };
        cursor = collect(&result, &mut tools);
        if cursor.is_null() {
            break;
        }
    }
    Ok(Some(tools))
}

async fn sessions(web: &net::WebClient, endpoint: &str, base: &HeaderMap) -> Result<Vec<ListedTool>, ClientError> {
    let unexpected = |what: String| ClientError::Unexpected { url: endpoint.to_owned(), what };
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "portcullis", "version": env!("CARGO_PKG_VERSION")},
    }});
    let response = ask(web, Method::POST, endpoint, base.clone(), body.to_string()).await?;
    let status = response.status.as_u16();
    let hello = message(&response).filter(|message| message["result"].is_object()).ok_or_else(|| {
        unexpected(format!("status {status} to tools/list and to initialize; is this the URL of an MCP endpoint?"))
    })?;
    let version = hello["result"]["protocolVersion"].as_str().unwrap_or("2025-11-25");
    let mut headers = base.clone();
    if let Ok(version) = HeaderValue::from_str(version) {
        headers.insert("mcp-protocol-version", version);
    }
    if let Some(session) = response.headers.get("mcp-session-id") {
        headers.insert("mcp-session-id", session.clone());
    }
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string();
    ask(web, Method::POST, endpoint, headers.clone(), ready).await?;

    let mut tools = Vec::new();
    let mut cursor = Value::Null;
    for _ in 0..PAGES {
        let params = if cursor.is_null() { json!({}) } else { json!({"cursor": cursor}) };
        let body = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": params}).to_string();
        let response = ask(web, Method::POST, endpoint, headers.clone(), body).await?;
        let result = message(&response).map(|mut message| message["result"].take()).unwrap_or_default();
        if !result["tools"].is_array() {
            return Err(unexpected("tools/list without a list of tools".into()));
        }
        cursor = collect(&result, &mut tools);
        if cursor.is_null() {
            break;
        }
    }
    if headers.contains_key("mcp-session-id") {
        // The session was ours alone; a server that keeps it loses nothing but memory.
        let _ = ask(web, Method::DELETE, endpoint, headers, String::new()).await;
    }
    Ok(tools)
}

/// Asks as the gateway does: sent on within the origin, and nowhere else.
async fn ask(
    web: &net::WebClient,
    method: Method,
    endpoint: &str,
    headers: HeaderMap,
    body: String,
) -> Result<net::WebResponse, ClientError> {
    let unexpected = |what: String| ClientError::Unexpected { url: endpoint.to_owned(), what };
    let mut url = Url::parse(endpoint).map_err(|_| unexpected("nothing: this is no URL".into()))?;
    let mut response = send(web, method.clone(), url.as_str(), headers.clone(), body.clone()).await?;
    for _ in 0..HOPS {
        let Some(next) = onward(&url, response.status, &response.headers) else { break };
        url = next;
        response = send(web, method.clone(), url.as_str(), headers.clone(), body.clone()).await?;
    }
    if response.status.is_redirection() {
        let target = shown(&response.headers);
        let status = response.status.as_u16();
        return Err(unexpected(format!(
            "status {status}, a redirect to {target}; if that is the server, write it as `url`"
        )));
    }
    Ok(response)
}

fn collect(result: &Value, tools: &mut Vec<ListedTool>) -> Value {
    for tool in result["tools"].as_array().into_iter().flatten() {
        tools.push(ListedTool {
            name: tool["name"].as_str().unwrap_or_default().to_owned(),
            description: tool["description"].as_str().unwrap_or_default().to_owned(),
        });
    }
    result.get("nextCursor").cloned().unwrap_or(Value::Null)
}
