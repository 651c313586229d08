//! The pooled client of one protected server.
//!
//! It sends what it is handed and adds `host` and the length, nothing else: no redirect is
//! followed and nothing is decompressed, so what the server says is what the caller gets.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::timeout;
use url::Url;

use crate::outbound::{Pool, innermost, pool};

/// A protected server and the open connections to it. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Upstream {
    url: Url,
    uri: Uri,
    pool: Pool,
}

/// Why an upstream can not be set up.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamSetupError {
    /// The certificate authorities are not PEM certificates.
    #[error("the certificate authorities can not be used: {0}")]
    Ca(String),
    /// The URL is none that can be requested.
    #[error("`{0}` can not be requested: write an http or https URL with a host")]
    BadUrl(Url),
}

/// Why an upstream gave no answer. The text is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No connection could be made: nothing was sent.
    #[error("no connection to the server could be made: {0}")]
    Unreachable(String),
    /// The response did not begin in time. The server may have acted.
    #[error("the server did not begin to answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    /// The connection broke before the response began. The server may have acted.
    #[error("the connection broke before the answer began: {0}")]
    Broken(String),
}

impl Upstream {
    /// For the MCP endpoint `url`, trusting the public certificate authorities and those in `ca_pem`.
    pub fn new(url: Url, ca_pem: Option<&[u8]>, connect_timeout: Duration) -> Result<Self, UpstreamSetupError> {
        let pool = pool(ca_pem, connect_timeout).map_err(UpstreamSetupError::Ca)?;
        let uri: Option<Uri> = url[..url::Position::AfterQuery].parse().ok();
        let uri = uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some());
        match uri {
            Some(uri) => Ok(Self { url, uri, pool }),
            None => Err(UpstreamSetupError::BadUrl(url)),
        }
    }

    /// Sends a request and waits at most `deadline` for the head of the response.
    ///
    /// Dropping the future, or the body of the response, ends the request at the server too.
    pub async fn send(
        &self,
        method: Method,
        headers: HeaderMap,
        body: Bytes,
        deadline: Duration,
    ) -> Result<Response<Incoming>, UpstreamError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        match timeout(deadline, self.pool.request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_connect() => Err(UpstreamError::Unreachable(innermost(&error))),
            Ok(Err(error)) => Err(UpstreamError::Broken(innermost(&error))),
            Err(_) => Err(UpstreamError::TimedOut(deadline)),
        }
    }

    /// The endpoint.
    pub fn url(&self) -> &Url {
        &self.url
    }
}
