//! Where a browser goes next: always by `303`, so that a post is not repeated there.
//!
//! Spec: RFC 9700 §4.12.

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

use crate::{
    headers::{FormTargets, OPENER_POLICY, harden},
    local_path::LocalPath,
};

/// To the login page, and from there back to `next`.
pub fn login_first(next: &LocalPath) -> Response {
    let query: String = form_urlencoded::byte_serialize(next.as_str().as_bytes()).collect();
    see_other(&format!("/login?next={query}"))
}

/// To the login page although somebody is signed in, because their login is too old for what they want.
///
/// The session stays: other tabs go on while this one asks for the password.
pub fn login_again(next: &LocalPath) -> Response {
    let query: String = form_urlencoded::byte_serialize(next.as_str().as_bytes()).collect();
    see_other(&format!("/login?next={query}&{AGAIN}=1"))
}

/// The parameter by which the login page asks for the password of somebody whose login is not fresh.
pub const AGAIN: &str = "again";

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
    // A browser holds each answer on its way to a page against the opener's, so a redirect may lead on to a client as
    // much as a page may.
    harden(response.headers_mut(), FormTargets::Us);
    response.headers_mut().remove(OPENER_POLICY);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Field: A8
    #[test]
    fn a_redirect_does_not_cut_off_the_window_that_opened_it() {
        for location in ["/login?next=%2Foauth%2Fauthorize", "https://client.test/cb?code=x"] {
            let response = see_other(location);
            assert!(!response.headers().contains_key("cross-origin-opener-policy"), "{location}");
            assert_eq!(response.headers()["cache-control"], "no-store");
        }
    }

    /// Spec: RFC 9700 §4.12
    #[test]
    fn the_way_to_the_login_and_back_is_a_303() {
        let response = login_first(&LocalPath::parse("/console?a=1&b=2").unwrap());
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert_eq!(response.headers()[header::LOCATION], "/login?next=%2Fconsole%3Fa%3D1%26b%3D2");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    }

    /// Field: P3
    #[test]
    fn a_login_that_is_too_old_is_asked_for_again_and_other_tabs_keep_it() {
        let response = login_again(&LocalPath::ROOT);
        assert_eq!(response.headers()[header::LOCATION], "/login?next=%2F&again=1");
        assert!(!response.headers().contains_key(header::SET_COOKIE));
    }

    #[test]
    fn a_place_that_would_split_the_header_is_not_gone_to() {
        assert_eq!(see_other("/x\r\nset-cookie: a=b").status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
