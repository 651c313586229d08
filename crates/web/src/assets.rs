//! The style sheet, embedded in the binary.

use std::sync::LazyLock;

use axum::{Router, response::Response, routing::get};
use http::{HeaderValue, header};

/// Where the style sheet is.
pub const STYLESHEET_PATH: &str = "/assets/portcullis.css";

/// The path as pages link it: with a digest of the content, so that a new version is never mixed up
/// with what a browser kept of the old one.
pub(crate) static STYLESHEET_LINK: LazyLock<String> =
    LazyLock::new(|| format!("{STYLESHEET_PATH}?{}", &crypto::Digest::of(STYLESHEET).to_hex()[..16]));

const STYLESHEET: &str = include_str!("../assets/portcullis.css");
const ICON: &str = include_str!("../assets/icon.svg");

/// The routes under `/assets/` and `/favicon.ico`.
pub fn assets<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route(STYLESHEET_PATH, get(|| async { asset(STYLESHEET, "text/css; charset=utf-8") }))
        .route("/assets/icon.svg", get(|| async { asset(ICON, "image/svg+xml") }))
        .route("/favicon.ico", get(|| async { asset(ICON, "image/svg+xml") }))
}

fn asset(text: &'static str, media_type: &'static str) -> Response {
    let mut response = Response::new(text.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // An SVG is a document of its own when it is opened directly.
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    response
}
