//! The pooled client of one protected server.
//!
//! It sends what it is handed and adds `host` and the length, nothing else: nothing is decompressed, and the only
//! redirects that are followed are those of [`redirect`], so what the server says is what the caller gets.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::timeout;
use url::Url;

use crate::{
    pool::{Pool, innermost, pool},
    redirect::{self, HOPS, onward},
};

/// A protected server and the open connections to it. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Upstream {
    url: Url,
    uri: Uri,
    pool: Pool,
    /// The operator was told that it redirects.
    told: Arc<AtomicBool>,
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
        let uri =
            uri_of(&url).filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some());
        match uri {
            Some(uri) => Ok(Self { url, uri, pool, told: Arc::default() }),
            None => Err(UpstreamSetupError::BadUrl(url)),
        }
    }

    /// Sends a request and waits at most `deadline` for the head of the response. The headers are made again when the
    /// server sends it on.
    ///
    /// Dropping the future, or the body of the response, ends the request at the server too.
    pub async fn send(
        &self,
        method: Method,
        headers: impl Fn() -> HeaderMap,
        body: Bytes,
        deadline: Duration,
    ) -> Result<Response<Incoming>, UpstreamError> {
        let answered = async {
            let request = |uri| request(method.clone(), uri, headers(), body.clone());
            let mut response = self.pool.request(request(self.uri.clone())).await.map_err(|error| {
                let why = innermost(&error);
                if error.is_connect() { UpstreamError::Unreachable(why) } else { UpstreamError::Broken(why) }
            })?;
            let mut from = None;
            for _ in 0..HOPS {
                let next = onward(from.as_ref().unwrap_or(&self.url), response.status(), response.headers());
                let Some(next) = next else { break };
                let Some(uri) = uri_of(&next) else { break };
                self.tell(response.headers());
                // Something was sent, so whatever fails from here on is no proof that nothing left.
                let sent = self.pool.request(request(uri)).await;
                response = sent.map_err(|error| UpstreamError::Broken(innermost(&error)))?;
                from = Some(next);
            }
            Ok(response)
        };
        timeout(deadline, answered).await.unwrap_or(Err(UpstreamError::TimedOut(deadline)))
    }

    /// Once: it works, and costs every request a detour.
    fn tell(&self, headers: &HeaderMap) {
        if !self.told.swap(true, Ordering::Relaxed) {
            let (url, target) = (redirect::without_query(&self.url), redirect::shown(headers));
            tracing::warn!(event = "upstream_redirect_followed", %url, target,
                "write the address it redirects to into `url`: each request goes there twice");
        }
    }

    /// The endpoint.
    pub fn url(&self) -> &Url {
        &self.url
    }
}

/// Without the fragment, which is nobody's business but the client's.
fn uri_of(url: &Url) -> Option<Uri> {
    url[..url::Position::AfterQuery].parse().ok()
}

fn request(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    request
}
