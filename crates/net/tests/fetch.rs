//! What the fetcher reads, and everything it refuses to.

#![allow(clippy::unwrap_used)]

mod certificate;

use std::{convert::Infallible, future::pending, time::Duration};

use certificate::Certificate;
use futures_util::{StreamExt, stream};
use http::{Request, Response, header};
use http_body_util::StreamBody;
use hyper::body::Frame;
use portcullis_net::{
    Body, FetchError, FetchRules, Fetched, Fetcher, Inbound, ListenLimits, Listener, boxed, empty, full,
};

/// A server on the loopback that answers by path, and a fetcher that may go there.
struct Host {
    port: u16,
    certificate: Certificate,
}

impl Host {
    async fn start() -> Self {
        let certificate = Certificate::for_localhost();
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), Some(certificate.tls())).await.unwrap();
        let port = listener.local_addr().port();
        tokio::spawn(listener.serve(ListenLimits::default(), answer, pending::<()>()));
        Self { port, certificate }
    }

    fn fetcher(&self, exempt: &str) -> Fetcher {
        let extra_ca_pem = Some(self.certificate.authority.clone());
        Fetcher::new(FetchRules { extra_ca_pem, exempt_hosts: vec![exempt.to_owned()] }).unwrap()
    }

    async fn get(&self, path: &str) -> Result<Fetched, FetchError> {
        self.fetcher("localhost").json(&format!("https://localhost:{}{path}", self.port), 100).await
    }

    #[track_caller]
    fn refused(&self, fetched: Result<Fetched, FetchError>) -> &'static str {
        let error = fetched.expect_err("the document should be refused");
        let shown = error.to_string();
        assert!(!shown.contains("127.0.0.1") && !shown.contains(&self.port.to_string()), "{shown}");
        error.cause()
    }
}

async fn answer(request: Request<Inbound>) -> Response<Body> {
    let json = Response::builder().header(header::CONTENT_TYPE, "application/json");
    let response = match request.uri().path() {
        "/good" => json.header(header::CACHE_CONTROL, "max-age=300").body(full("{}")),
        "/head" => json.body(full(format!("{:?}", request.headers()))),
        "/path" => json.body(full(request.uri().to_string())),
        "/redirect" => json.status(302).header(header::LOCATION, "/good").body(full("{}")),
        "/missing" => json.status(404).body(full("{}")),
        "/partial" => json.status(206).body(full("{}")),
        "/html" => Response::builder().header(header::CONTENT_TYPE, "text/html").body(full("{}")),
        "/untyped" => Response::builder().body(full("{}")),
        "/gzip" => json.header(header::CONTENT_ENCODING, "gzip").body(full("{}")),
        "/100" => json.body(full("x".repeat(100))),
        "/101" => json.body(full("x".repeat(101))),
        "/unannounced" => json.body(endless()),
        "/silent" => {
            tokio::time::pause();
            pending().await
        }
        "/stalls" => json.body(stalling()),
        _ => json.status(400).body(empty()),
    };
    response.unwrap()
}

fn endless() -> Body {
    boxed(StreamBody::new(stream::repeat_with(|| Ok::<_, Infallible>(Frame::data("12345678".into())))))
}

/// Sends one byte; then time stands still until somebody gives up.
fn stalling() -> Body {
    let first = stream::iter([Ok::<_, Infallible>(Frame::data("{".into()))]);
    boxed(StreamBody::new(first.chain(stream::once(async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        tokio::time::pause();
        pending().await
    }))))
}

#[tokio::test]
async fn a_json_document_is_read_with_the_age_it_names() {
    let host = Host::start().await;
    let fetched = host.get("/good").await.unwrap();
    assert_eq!((fetched.body.as_slice(), fetched.max_age), (b"{}".as_slice(), Some(300)));
    assert_eq!(host.get("/100").await.unwrap().body.len(), 100);
}

#[tokio::test]
async fn path_and_query_are_requested_as_written() {
    let host = Host::start().await;
    assert_eq!(host.get("/path?a=b%20c&d").await.unwrap().body, b"/path?a=b%20c&d");
}

/// Spec: draft-ietf-oauth-client-id-metadata-document (SSRF)
#[tokio::test]
async fn what_is_not_exactly_a_json_document_is_refused() {
    let host = Host::start().await;
    for (path, cause) in [
        ("/redirect", "redirected"),
        ("/missing", "status"),
        ("/partial", "status"),
        ("/html", "not_json"),
        ("/untyped", "not_json"),
        ("/gzip", "encoded"),
        ("/101", "too_large"),
        ("/unannounced", "too_large"),
    ] {
        assert_eq!(host.refused(host.get(path).await), cause, "{path}");
    }
}

#[tokio::test]
async fn a_host_that_never_answers_is_given_up() {
    let host = Host::start().await;
    assert_eq!(host.refused(host.get("/silent").await), "timed_out");
}

#[tokio::test]
async fn a_document_that_never_ends_is_given_up() {
    let host = Host::start().await;
    assert_eq!(host.refused(host.get("/stalls").await), "timed_out");
}

#[tokio::test]
async fn nothing_is_sent_that_a_stranger_could_learn_from() {
    let host = Host::start().await;
    let head = String::from_utf8(host.get("/head").await.unwrap_or_else(|_| panic!("larger")).body);
    let head = head.unwrap().to_lowercase();
    for header in ["cookie", "authorization", "referer", "accept-encoding"] {
        assert!(!head.contains(header), "{head}");
    }
}

/// Spec: RFC 6890, draft-ietf-oauth-client-id-metadata-document (SSRF)
#[tokio::test]
async fn special_use_addresses_are_refused_in_every_spelling() {
    let host = Host::start().await;
    let fetcher = Fetcher::new(FetchRules::default()).unwrap();
    for place in [
        "localhost",
        "127.0.0.1",
        "127.1",
        "0x7f.0.0.1",
        "2130706433",
        "0",
        "10.0.0.1",
        "169.254.169.254",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]",
        "[fd00:ec2::254]",
        "[fe80::1]",
    ] {
        assert_eq!(host.refused(fetcher.json(&format!("https://{place}/x"), 100).await), "not_public", "{place}");
    }
}

#[tokio::test]
async fn urls_that_are_not_plain_https_are_refused() {
    let host = Host::start().await;
    for url in [
        "http://localhost/good",
        "ftp://localhost/good",
        "file:///etc/passwd",
        "https://user@localhost/good",
        "https://:secret@localhost/good",
        "https://localhost/good#fragment",
        "https://example.test:8443/good",
        "https://",
        "/good",
        "",
    ] {
        assert_eq!(host.refused(host.fetcher("localhost").json(url, 100).await), "bad_url", "{url}");
    }
}

#[tokio::test]
async fn an_exemption_is_for_one_host_and_its_port_only() {
    let host = Host::start().await;
    let url = format!("https://localhost:{}/good", host.port);
    assert!(host.fetcher(&format!("localhost:{}", host.port)).json(&url, 100).await.is_ok());
    for other in ["localhost:1", "127.0.0.1", "host", ""] {
        assert_eq!(host.refused(host.fetcher(other).json(&url, 100).await), "bad_url", "{other}");
    }
    let default_port = host.fetcher(&format!("localhost:{}", host.port)).json("https://localhost/good", 100).await;
    assert_eq!(host.refused(default_port), "not_public");
}

#[tokio::test]
async fn a_certificate_must_be_trusted_and_for_the_host() {
    let host = Host::start().await;
    let rules = FetchRules { extra_ca_pem: None, exempt_hosts: vec!["localhost".to_owned()] };
    let stranger = Fetcher::new(rules).unwrap().json(&format!("https://localhost:{}/good", host.port), 100).await;
    assert_eq!(host.refused(stranger), "tls");
    let other_name = host.fetcher("127.0.0.1").json(&format!("https://127.0.0.1:{}/good", host.port), 100).await;
    assert_eq!(host.refused(other_name), "tls");
}

/// An error that tells ports and names apart is a port scanner in the hands of a stranger.
#[tokio::test]
async fn whatever_kept_a_connection_from_being_made_looks_the_same() {
    let host = Host::start().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = host.fetcher("localhost").json(&format!("https://localhost:{}/", closed.port()), 100).await;
    let special = host.fetcher("other").json("https://localhost/", 100).await;
    let (refused, special) = (refused.unwrap_err(), special.unwrap_err());
    assert_eq!((refused.cause(), special.cause()), ("unreachable", "not_public"));
    assert_eq!(refused.to_string(), special.to_string());
    assert_eq!(refused.to_string(), FetchError::TimedOut.to_string());
    assert_eq!(refused.to_string(), FetchError::Tls(String::new()).to_string());
}

#[tokio::test]
async fn authorities_that_are_no_certificates_are_refused_at_the_start() {
    for pem in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let rules = FetchRules { extra_ca_pem: Some(pem.into()), exempt_hosts: Vec::new() };
        assert!(Fetcher::new(rules).is_err(), "{pem:?}");
    }
}
