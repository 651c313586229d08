//! Messages to receivers that the operator named.
//!
//! The operator may have been told the address by somebody else, and the name may be moved by whoever owns it. So the name
//! is resolved once, every address of the answer is checked, and what was checked is what is dialled; no redirect, no proxy,
//! no cookie; https, unless the operator exempted the host; ten seconds for everything, and of the answer only the head is
//! believed. What was sent is in no error, nor the address beyond its host.
//!
//! Spec: Standard Webhooks (server-side request forgery; redirects; timeouts).

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, Uri, header};
use http_body_util::Full;
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use url::Url;

use crate::{
    FetchRules,
    checked_addresses::{connect_checked, is_exempt},
    fetch_error::{FetchError, FetchSetupError},
    read_body, roots,
};

/// Posts messages to receivers outside.
#[derive(Clone)]
pub struct Poster {
    connector: TlsConnector,
    exempt_hosts: Arc<[String]>,
}

/// What a receiver answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The status.
    pub status: u16,
    /// For how many seconds it wants to be left alone.
    pub retry_after: Option<u64>,
}

impl Poster {
    /// From the operator's rules.
    pub fn new(rules: FetchRules) -> Result<Self, FetchSetupError> {
        let mut tls = roots::client_config(rules.extra_ca_pem.as_deref()).map_err(FetchSetupError::ExtraCa)?;
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { connector: TlsConnector::from(Arc::new(tls)), exempt_hosts: rules.exempt_hosts.into() })
    }

    /// Posts `body` as JSON. Any status is an answer, a redirect too.
    pub async fn post(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<Posted, FetchError> {
        let target = Target::parse(url, &self.exempt_hosts)?;
        let posted = async {
            let stream = self.connect(&target).await?;
            // The connection lives as long as this set.
            let mut connection = JoinSet::new();
            let answer = send(stream, &target, headers, body, &mut connection).await?;
            let posted = Posted { status: answer.status().as_u16(), retry_after: retry_after(&answer) };
            // Read so that a receiver which looks whether its answer arrived is not told otherwise; what it says is not used.
            let _ = read_body(answer.into_body(), MAX_ANSWER).await;
            Ok(posted)
        };
        timeout(TOTAL, posted).await.unwrap_or(Err(FetchError::TimedOut))
    }

    /// Connects, and sends nothing.
    pub async fn reach(&self, url: &str) -> Result<(), FetchError> {
        let target = Target::parse(url, &self.exempt_hosts)?;
        timeout(TOTAL, self.connect(&target)).await.unwrap_or(Err(FetchError::TimedOut)).map(drop)
    }

    /// Is that an address to which something may be sent at all?
    pub fn judge(&self, url: &str) -> Result<(), FetchError> {
        Target::parse(url, &self.exempt_hosts).map(drop)
    }

    async fn connect(&self, target: &Target) -> Result<Box<dyn Stream>, FetchError> {
        let stream = connect_checked(&target.url, target.port, target.exempt).await?;
        let Some(name) = &target.tls else { return Ok(Box::new(stream)) };
        let secured = self.connector.connect(name.clone(), stream).await;
        Ok(Box::new(secured.map_err(|error| FetchError::Tls(error.to_string()))?))
    }
}

/// A connection, whether it is secured or not.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

struct Target {
    url: Url,
    port: u16,
    /// The name that the certificate has to be for; none for plain http.
    tls: Option<ServerName<'static>>,
    exempt: bool,
}

impl Target {
    fn parse(text: &str, exempt_hosts: &[String]) -> Result<Self, FetchError> {
        let url = Url::parse(text).map_err(|_| FetchError::BadUrl("is not a URL"))?;
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(FetchError::BadUrl("has a user, a password or a fragment"));
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(FetchError::BadUrl("names no host"));
        };
        let exempt = is_exempt(exempt_hosts, host, port);
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = match url.scheme() {
            "https" => Some(ServerName::try_from(bare).map_err(|_| FetchError::BadUrl("names no host"))?),
            "http" if exempt => None,
            _ => return Err(FetchError::BadUrl("is not https")),
        };
        Ok(Self { port, tls, exempt, url })
    }
}

async fn send(
    stream: Box<dyn Stream>,
    target: &Target,
    headers: &[(&'static str, String)],
    body: String,
    connection: &mut JoinSet<()>,
) -> Result<Response<Incoming>, FetchError> {
    let broken = |error: hyper::Error| FetchError::Unreachable(error.to_string());
    let (mut sender, driver) = http1::Builder::new()
        .max_buf_size(MAX_HEAD_BYTES)
        .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    connection.spawn(async move {
        // What went wrong on the connection reaches the caller through the answer.
        let _ = driver.await;
    });
    let path: Uri = target.url[url::Position::BeforePath..url::Position::AfterQuery]
        .parse()
        .map_err(|_| FetchError::BadUrl("has a path that can not be requested"))?;
    let mut request = Request::post(path)
        .header(header::HOST, &target.url[url::Position::BeforeHost..url::Position::AfterPort])
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, "portcullis");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let request = request
        .body(Full::new(Bytes::from(body)))
        .map_err(|_| FetchError::BadUrl("has a host that can not be requested"))?;
    sender.send_request(request).await.map_err(broken)
}

/// Seconds. A date is not read: it would be compared with a clock of somebody else.
///
/// Spec: RFC 9110 §10.2.3
fn retry_after(answer: &Response<Incoming>) -> Option<u64> {
    answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

/// For everything, from the name to the end of the answer.
const TOTAL: Duration = Duration::from_secs(10);
/// Longest head of an answer.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// So much of an answer is read.
const MAX_ANSWER: usize = 16 * 1024;
