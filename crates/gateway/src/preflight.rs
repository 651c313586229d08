//! What a browser asks before it lets a page call us.
//!
//! Spec: WHATWG Fetch, CORS-preflight fetch.

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use net::Body;

/// Headers that a page of an allowed origin may send, besides `Mcp-Param-*`.
const ALLOWED: &str = "authorization, dpop, content-type, accept, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name, last-event-id";

/// The answer to a preflight of an allowed origin. The caller adds the origin.
pub fn answer(asked: &HeaderMap) -> Response<Body> {
    let mut allowed = ALLOWED.to_owned();
    let names = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS).and_then(|names| names.to_str().ok()).unwrap_or("");
    for name in names.split(',').filter_map(|name| HeaderName::try_from(name.trim()).ok()).take(64) {
        if name.as_str().starts_with("mcp-param-") {
            allowed.push_str(", ");
            allowed.push_str(name.as_str());
        }
    }
    let mut response = Response::new(net::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, DELETE"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    if let Ok(allowed) = HeaderValue::try_from(allowed) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    }
    response
}

/// Lets any page read a document that is public anyway.
pub fn allow_everybody(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
}
