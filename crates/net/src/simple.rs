//! The plain HTTP client of our own command line, the demo's tour and simulated agents.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use crate::Body;

/// A client that follows no redirect and keeps no cookie.
#[derive(Clone, Debug)]
pub struct WebClient;

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct WebResponse {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The URL is none this client can follow.
    #[error("`{0}` is not an http or https URL")]
    BadUrl(String),
}

impl WebClient {
    /// A client that trusts the public certificate authorities and those in `extra_ca_pem`.
    pub fn new(_extra_ca_pem: Option<&[u8]>) -> Result<Self, WebError> {
        todo!()
    }

    /// One request, and the whole answer.
    pub async fn request(
        &self,
        _method: Method,
        _url: &str,
        _headers: HeaderMap,
        _body: impl Into<Bytes>,
    ) -> Result<WebResponse, WebError> {
        todo!()
    }

    /// One request, and the answer as it arrives.
    pub async fn stream(
        &self,
        _method: Method,
        _url: &str,
        _headers: HeaderMap,
        _body: impl Into<Bytes>,
    ) -> Result<http::Response<Body>, WebError> {
        todo!()
    }
}

impl WebResponse {
    /// The body as JSON.
    pub fn json(&self) -> Result<serde_json::Value, WebError> {
        todo!()
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header field as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
