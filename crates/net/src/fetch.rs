//! Documents from addresses that strangers name.
//!
//! Whoever may choose a URL that we open may look at our network through our eyes. So: https on
//! port 443 only; the name is resolved once, every address of the answer is checked, and what was
//! checked is what is dialled; no redirect, no proxy, no cookie, no credential, no decompression;
//! a status of 200, JSON, a few kilobytes, three seconds for everything.
//!
//! One document is fetched once however many ask for it at the moment, and a host that is slow has
//! a few fetches waiting for it, not all there can be.
//!
//! Whatever stood in the way of a connection looks the same to the caller, or the caller could
//! tell names and ports of our network apart. The log has the cause.
//!
//! Spec: draft-ietf-oauth-client-id-metadata-document (SSRF), RFC 9728 §7.7.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri, header};
use http_body_util::Empty;
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::{net::TcpStream, task::JoinSet, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};
use url::Url;

use crate::{
    checked_addresses::{checked_addresses, is_exempt},
    fetch_error::{FetchError, FetchSetupError},
    fetch_limits::Turns,
    read::ReadError,
    read_body, roots,
    singleflight::Flights,
};

/// What an operator allows beyond the public internet.
#[derive(Clone, Debug, Default)]
pub struct FetchRules {
    /// PEM of certificate authorities to trust besides the public ones.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// `host` (any port) or `host:port` that may be on special-use addresses.
    pub exempt_hosts: Vec<String>,
}

/// Reads JSON documents over https from hosts that strangers name.
#[derive(Clone)]
pub struct Fetcher {
    connector: TlsConnector,
    exempt_hosts: Arc<[String]>,
    turns: Arc<Turns>,
    flights: Arc<Flights<(String, usize), Result<Fetched, FetchError>>>,
}

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The bytes of the document, not yet parsed.
    pub body: Vec<u8>,
    /// For how many seconds the answer says it is good; 0 when it must not be kept.
    pub max_age: Option<u64>,
}

impl Fetcher {
    /// From the operator's rules.
    pub fn new(rules: FetchRules) -> Result<Self, FetchSetupError> {
        let mut tls = roots::client_config(rules.extra_ca_pem.as_deref()).map_err(FetchSetupError::ExtraCa)?;
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            connector: TlsConnector::from(Arc::new(tls)),
            exempt_hosts: rules.exempt_hosts.into(),
            turns: Turns::new(),
            flights: Flights::new(),
        })
    }

    /// The JSON document at `url`, at most `max_bytes` long.
    ///
    /// Waits for two seconds to be allowed to fetch, then three for the document.
    pub async fn json(&self, url: &str, max_bytes: usize) -> Result<Fetched, FetchError> {
        let (fetcher, text) = (self.clone(), url.to_owned());
        self.flights.join((url.to_owned(), max_bytes), async move { fetcher.fetch(&text, max_bytes).await }).await
    }

    async fn fetch(&self, url: &str, max_bytes: usize) -> Result<Fetched, FetchError> {
        let target = Target::parse(url, &self.exempt_hosts)?;
        let host = target.url.host_str().unwrap_or_default();
        let fetched = match self.turns.take(host).await {
            Err(_) => Err(FetchError::Busy),
            Ok(_turn) => timeout(TOTAL, self.read(&target, max_bytes)).await.unwrap_or(Err(FetchError::TimedOut)),
        };
        if let Err(error) = &fetched {
            tracing::warn!(event = "fetch_failed", host, cause = error.cause(), detail = error.detail());
        }
        fetched
    }

    async fn read(&self, target: &Target, max_bytes: usize) -> Result<Fetched, FetchError> {
        let stream = self.connect(target).await?;
        // The connection lives as long as this set: aborted when the answer is read, or given up.
        let mut connection = JoinSet::new();
        let response = get(stream, target, &mut connection).await?;
        let max_age = check(&response)?;
        let body = read_body(response.into_body(), max_bytes).await.map_err(|error| match error {
            ReadError::TooLarge { max } => FetchError::TooLarge { max },
            ReadError::TooSlow | ReadError::NoRoom => FetchError::TimedOut,
            ReadError::Broken(why) => FetchError::Unreachable(why.to_string()),
        })?;
        Ok(Fetched { body: body.into(), max_age })
    }

    /// Resolves once, checks every address, dials the checked ones in their order.
    async fn connect(&self, target: &Target) -> Result<TlsStream<TcpStream>, FetchError> {
        let addresses = checked_addresses(&target.url, target.port, target.exempt).await?;
        let unreachable = |error: std::io::Error| FetchError::Unreachable(error.to_string());
        let stream = timeout(CONNECT, TcpStream::connect(addresses.as_slice()))
            .await
            .map_err(|_| FetchError::TimedOut)?
            .map_err(unreachable)?;
        self.connector.connect(target.name.clone(), stream).await.map_err(|error| FetchError::Tls(error.to_string()))
    }
}

/// Where to go, taken apart.
struct Target {
    url: Url,
    port: u16,
    name: ServerName<'static>,
    exempt: bool,
}

impl Target {
    fn parse(text: &str, exempt_hosts: &[String]) -> Result<Self, FetchError> {
        let url = Url::parse(text).map_err(|_| FetchError::BadUrl("is not a URL"))?;
        if url.scheme() != "https" {
            return Err(FetchError::BadUrl("is not https"));
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(FetchError::BadUrl("has a user, a password or a fragment"));
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(FetchError::BadUrl("names no host"));
        };
        let exempt = is_exempt(exempt_hosts, host, port);
        if port != 443 && !exempt {
            return Err(FetchError::BadUrl("has a port other than 443"));
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(bare).map_err(|_| FetchError::BadUrl("names no host"))?;
        Ok(Self { port, name, exempt, url })
    }
}

async fn get(
    stream: TlsStream<TcpStream>,
    target: &Target,
    connection: &mut JoinSet<()>,
) -> Result<Response<Incoming>, FetchError> {
    let broken = |error: hyper::Error| FetchError::Unreachable(error.to_string());
    let (mut sender, driver) = http1::Builder::new()
        .max_buf_size(MAX_HEAD_BYTES)
        .handshake::<_, Empty<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    connection.spawn(async move {
        // What went wrong on the connection reaches the caller through the response.
        let _ = driver.await;
    });
    let path: Uri = target.url[url::Position::BeforePath..url::Position::AfterQuery]
        .parse()
        .map_err(|_| FetchError::BadUrl("has a path that can not be requested"))?;
    let request = Request::get(path)
        .header(header::HOST, &target.url[url::Position::BeforeHost..url::Position::AfterPort])
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, "portcullis")
        .body(Empty::new())
        .map_err(|_| FetchError::BadUrl("has a host that can not be requested"))?;
    sender.send_request(request).await.map_err(broken)
}

/// Everything about the head that must hold; what it says about keeping the document.
fn check(response: &Response<Incoming>) -> Result<Option<u64>, FetchError> {
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    if response.status().is_redirection() {
        return Err(FetchError::Redirected);
    }
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status(response.status().as_u16()));
    }
    if !text(header::CONTENT_TYPE).is_some_and(is_json) {
        return Err(FetchError::NotJson);
    }
    if response.headers().contains_key(header::CONTENT_ENCODING) {
        return Err(FetchError::Encoded);
    }
    Ok(text(header::CACHE_CONTROL).and_then(max_age))
}

/// `application/json` or `application/….+json`.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Spec: RFC 9111 §5.2.2
fn max_age(cache_control: &str) -> Option<u64> {
    let mut directives = cache_control.split(',').map(|part| part.trim().to_ascii_lowercase());
    let keep_not = |part: &str| matches!(part, "no-store" | "no-cache");
    if directives.clone().any(|part| keep_not(&part)) {
        return Some(0);
    }
    directives.find_map(|part| part.strip_prefix("max-age=")?.trim_matches('"').parse().ok())
}

/// For everything, from the name to the last byte.
const TOTAL: Duration = Duration::from_secs(3);
/// For the TCP connection, over all addresses.
const CONNECT: Duration = Duration::from_secs(2);
/// Longest head of an answer.
const MAX_HEAD_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec: RFC 9111 §5.2.2
    #[test]
    fn the_age_is_read_and_a_refusal_to_be_kept_wins() {
        assert_eq!(max_age("public, Max-Age=600"), Some(600));
        assert_eq!(max_age("max-age=600, no-store"), Some(0));
        assert_eq!(max_age("no-cache"), Some(0));
        assert_eq!(max_age("public"), None);
        assert_eq!(max_age("max-age=soon"), None);
    }

    #[test]
    fn only_json_is_json() {
        assert!(is_json("application/json") && is_json("Application/JSON; charset=utf-8"));
        assert!(is_json("application/oauth-client+json"));
        for other in ["", "text/html", "text/json", "application/jsonx", "text/x+json", "application/xml;x=+json"] {
            assert!(!is_json(other), "{other}");
        }
    }
}
