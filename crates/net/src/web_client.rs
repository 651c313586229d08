//! The plain HTTP client of our own command line, the demo's tour and simulated agents.
//!
//! It follows no redirect, keeps no cookie and opens any address it is told to: only for URLs
//! that the person at the keyboard gave.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::Full;
use tokio::time::timeout;

use crate::{
    Body, ReadError,
    pool::{Pool, innermost, pool},
    read_body,
};

/// A client that follows no redirect and keeps no cookie. Clones share the connections.
#[derive(Clone, Debug)]
pub struct WebClient {
    pool: Pool,
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct WebResponse {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body, at most 16 MiB.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The certificate authorities are not PEM certificates.
    #[error("the certificate authorities can not be used: {0}")]
    Ca(String),
    /// The URL is none this client can open.
    #[error("`{0}` is not an http or https URL")]
    BadUrl(String),
    /// No connection could be made.
    #[error("no connection to {url} could be made: {why}")]
    Unreachable {
        /// Where to.
        url: String,
        /// What the system said.
        why: String,
    },
    /// The connection broke before the answer began.
    #[error("the connection to {url} broke: {why}")]
    Broken {
        /// Where to.
        url: String,
        /// What the system said.
        why: String,
    },
    /// The answer did not begin in time.
    #[error("{url} did not answer within {} s", PATIENCE.as_secs())]
    TimedOut {
        /// Where to.
        url: String,
    },
    /// The body could not be read.
    #[error("the answer can not be read: {0}")]
    Body(#[from] ReadError),
    /// The body is not JSON.
    #[error("the answer is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
}

impl WebClient {
    /// A client that trusts the public certificate authorities and those in `extra_ca_pem`.
    pub fn new(extra_ca_pem: Option<&[u8]>) -> Result<Self, WebError> {
        Ok(Self { pool: pool(extra_ca_pem, CONNECT).map_err(WebError::Ca)? })
    }

    /// One request, and the whole answer.
    pub async fn request(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: impl Into<Bytes>,
    ) -> Result<WebResponse, WebError> {
        let (head, body) = self.stream(method, url, headers, body).await?.into_parts();
        let body = read_body(body, MAX_BODY_BYTES).await?;
        Ok(WebResponse { status: head.status, headers: head.headers, body })
    }

    /// One request, and the answer as it arrives.
    pub async fn stream(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: impl Into<Bytes>,
    ) -> Result<Response<Body>, WebError> {
        let mut request = Request::new(Full::new(body.into()));
        *request.method_mut() = method;
        *request.uri_mut() = parse(url)?;
        *request.headers_mut() = headers;
        let url = url.to_owned();
        match timeout(PATIENCE, self.pool.request(request)).await {
            Ok(Ok(response)) => Ok(response.map(Body::from)),
            Ok(Err(error)) if error.is_connect() => Err(WebError::Unreachable { url, why: innermost(&error) }),
            Ok(Err(error)) => Err(WebError::Broken { url, why: innermost(&error) }),
            Err(_) => Err(WebError::TimedOut { url }),
        }
    }
}

impl WebResponse {
    /// The body as JSON.
    pub fn json(&self) -> Result<serde_json::Value, WebError> {
        Ok(serde_json::from_slice(&self.body)?)
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header field as text, when it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Through the URL type, which escapes what a hand-written URL may hold; fragments stay here.
fn parse(text: &str) -> Result<Uri, WebError> {
    let bad = || WebError::BadUrl(text.to_owned());
    let url = url::Url::parse(text).map_err(|_| bad())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad());
    }
    url[..url::Position::AfterQuery].parse().map_err(|_| bad())
}

const CONNECT: Duration = Duration::from_secs(5);
/// Until the answer begins. An agent may wait a minute for a person.
const PATIENCE: Duration = Duration::from_secs(120);
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
