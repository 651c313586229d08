//! The pooled client of one protected server.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use url::Url;

/// A protected server and the open connections to it.
#[derive(Clone, Debug)]
pub struct Upstream {
    url: Url,
}

/// Why an upstream can not be set up.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamSetupError {
    /// The certificate authorities are not PEM certificates.
    #[error("the certificate authorities can not be read: {0}")]
    Ca(String),
}

/// Why an upstream gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No connection could be made: nothing was sent.
    #[error("no connection to the server could be made: {0}")]
    Unreachable(String),
    /// The response did not begin in time.
    #[error("the server did not begin to answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    /// The connection broke before the response began.
    #[error("the connection broke before the answer began: {0}")]
    Broken(String),
}

impl Upstream {
    /// For the MCP endpoint `url`, trusting the public certificate authorities and those in `ca_pem`.
    pub fn new(_url: Url, _ca_pem: Option<&[u8]>, _connect_timeout: Duration) -> Result<Self, UpstreamSetupError> {
        todo!()
    }

    /// Sends a request and waits at most `deadline` for the head of the response.
    pub async fn send(
        &self,
        _method: Method,
        _headers: HeaderMap,
        _body: Bytes,
        _deadline: Duration,
    ) -> Result<http::Response<hyper::body::Incoming>, UpstreamError> {
        todo!()
    }

    /// The endpoint.
    pub fn url(&self) -> &Url {
        &self.url
    }
}
