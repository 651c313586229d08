//! Where a browser may be sent after a login: only to a path of ours.

use std::fmt;

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

use crate::{FormTargets, harden};

/// A path on this installation, with its query: the only thing `next=` may hold.
///
/// Spec: RFC 9700 §4.11 (open redirectors).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalPath(String);

impl LocalPath {
    /// `text` when it is a path here: one leading slash, nothing a browser could read as a host.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() <= 4096 && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
        let local = text.starts_with('/') && !text.starts_with("//");
        (plain && local).then(|| Self(text.to_owned()))
    }

    /// The path and its query.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LocalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// To the login page, and from there back to `next`.
pub fn login_first(next: &LocalPath) -> Response {
    let query: String = form_urlencoded::byte_serialize(next.as_str().as_bytes()).collect();
    see_other(&format!("/login?next={query}"))
}

/// `303 See Other`, so that a post is not repeated at the new place (RFC 9700 §4.12).
///
/// `location` is a path of ours or a redirect URI that has been verified. One that does not fit into a
/// header answers 500.
pub fn see_other(location: &str) -> Response {
    let mut response = Response::new(axum::body::Body::empty());
    match HeaderValue::try_from(location) {
        Ok(value) => {
            *response.status_mut() = StatusCode::SEE_OTHER;
            response.headers_mut().insert(header::LOCATION, value);
        }
        Err(_) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
    }
    harden(response.headers_mut(), FormTargets::Us);
    response
}
