//! The metadata of a protected server: for everybody, from any page, cacheable for minutes.
//!
//! Spec: RFC 9728 §3.2

use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};
use net::Body;

use crate::{preflight, protected::Protected};

/// The answer; `None` for a method that means nothing here.
pub fn answer(server: &Protected, parts: &Parts) -> Option<Response<Body>> {
    let mut response = match parts.method {
        Method::GET => Response::new(net::full(server.metadata.clone())),
        Method::HEAD => Response::new(net::empty()),
        Method::OPTIONS => preflight::answer(&parts.headers),
        _ => return None,
    };
    let headers = response.headers_mut();
    preflight::allow_everybody(headers);
    if response.status() == StatusCode::OK {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    }
    Some(response)
}
