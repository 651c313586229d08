//! What a listener takes from strangers, and what it does not let them do.

#![allow(clippy::unwrap_used)]

mod certificate;
mod server;

use std::time::Duration;

use certificate::Certificate;
use http::{HeaderMap, Method, Version};
use portcullis_net::{BindError, ListenLimits, Listener, Tls, TlsError, WebClient, read_body};
use server::{Running, SHORT};
use tokio::{net::TcpStream, time::timeout};

async fn post(web: &WebClient, url: &str, body: &'static str) -> (u16, String) {
    let response = web.request(Method::POST, url, HeaderMap::new(), body).await.unwrap();
    (response.status.as_u16(), response.text())
}

#[tokio::test]
async fn a_request_is_answered() {
    let server = Running::plain().await;
    let web = WebClient::new(None).unwrap();
    assert_eq!(post(&web, &server.url("/"), "hello").await, (200, "hello".into()));
}

#[tokio::test]
async fn a_request_says_which_network_it_came_from() {
    let server = Running::plain().await;
    let web = WebClient::new(None).unwrap();
    assert_eq!(post(&web, &server.url("/who"), "").await, (200, "127.0.0.1".into()));
}

/// Spec: RFC 9113 §3.2
#[tokio::test]
async fn http2_is_spoken_where_tls_agrees_on_it() {
    let certificate = Certificate::for_localhost();
    let server = Running::start(ListenLimits::default(), Some(certificate.tls())).await;
    let web = WebClient::new(Some(&certificate.authority)).unwrap();
    let url = format!("https://localhost:{}/", server.address.port());
    let response = web.stream(Method::POST, &url, HeaderMap::new(), "hello").await.unwrap();
    assert_eq!(response.version(), Version::HTTP_2);
    assert_eq!(read_body(response.into_body(), 100).await.unwrap(), "hello");
    assert!(WebClient::new(None).unwrap().request(Method::GET, &url, HeaderMap::new(), "").await.is_err());
}

#[tokio::test]
async fn a_panic_is_a_500_for_its_own_request_only() {
    let certificate = Certificate::for_localhost();
    let (plain, tls) = (Running::plain().await, Running::start(ListenLimits::default(), Some(certificate.tls())).await);
    let web = WebClient::new(Some(&certificate.authority)).unwrap();
    for base in [plain.url(""), format!("https://localhost:{}", tls.address.port())] {
        for path in ["/panic", "/panic-at-once"] {
            let (status, text) = post(&web, &format!("{base}{path}"), "").await;
            assert_eq!((status, text.as_str()), (500, "internal error\n"), "{base}{path}");
            assert_eq!(post(&web, &format!("{base}/"), "still here").await.1, "still here");
        }
    }
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let server = Running::plain().await;
    let error = Listener::bind(server.address, None).await.unwrap_err();
    assert!(matches!(error, BindError::InUse(address) if address == server.address), "{error}");
    assert!(error.to_string().contains(&server.address.to_string()));
    let elsewhere = Listener::bind("192.0.2.1:0".parse().unwrap(), None).await.unwrap_err();
    assert!(matches!(elsewhere, BindError::NotOurs(_)), "{elsewhere}");
}

/// Spec: RFC 9112 §2.2, §5.1, §6.1, §6.3, §7.1
#[tokio::test]
async fn requests_that_two_parsers_read_differently_are_refused() {
    let server = Running::plain().await;
    for head in [
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: +1\r\n\r\na",
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1, 1\r\n\r\na",
        "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, identity\r\n\r\n",
        "POST / HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nhost : x\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\n folded: y\r\n\r\n",
        "GET /\u{1} HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nho\u{0}st: x\r\n\r\n",
        "GET / HTTP/9.9\r\nhost: x\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let answer = server.raw(head).await;
        assert!(answer.starts_with("HTTP/1.1 400") || answer.is_empty(), "{head:?}\n{answer}");
    }
}

/// Nothing that follows is taken for a request.
///
/// Spec: RFC 9112 §6.1, §6.3
///
/// Field: G14
#[tokio::test]
async fn a_request_whose_end_two_readers_could_see_elsewhere_is_400_and_the_last_of_its_connection() {
    let server = Running::plain().await;
    for fields in [
        "content-length: 3\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 3",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity",
        "transfer-encoding: identity",
        "transfer-encoding: xchunked",
        "content-length: 3\r\ncontent-length: 4",
        "content-length: 3\r\ncontent-length: 3",
        "content-length : 3",
        "content-length: 3\r\n folded: y",
        "content-length: 3\nx: y",
        "content-length: 3\rx: y",
        "content-length: 3\r\nhost: y",
    ] {
        let smuggled = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
        let request = format!("POST / HTTP/1.1\r\nhost: x\r\n{fields}\r\n\r\n0\r\n\r\n{smuggled}");
        let answer = server.raw(&request).await.to_lowercase();
        assert!(answer.starts_with("http/1.1 400"), "{fields:?}\n{answer}");
        assert!(answer.contains("connection: close"), "{fields:?}\n{answer}");
        assert_eq!(answer.matches("http/1.1").count(), 1, "{fields:?}\n{answer}");
    }
}

/// Spec: RFC 9112 §6.1 (501), §7.1
///
/// Field: G14
#[tokio::test]
async fn a_coding_that_is_not_understood_is_501_and_a_broken_chunk_ends_the_connection() {
    let server = Running::plain().await;
    let post = |field: &str, body: &str| format!("POST / HTTP/1.1\r\nhost: x\r\n{field}\r\n\r\n{body}");
    let answer = server.raw(&post("transfer-encoding: gzip, chunked\r\nconnection: close", "0\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 501"), "{answer}");
    for chunks in ["3\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n", "fffffffffffffffff\r\n", "0x3\r\nabc\r\n"] {
        let answer = server.raw(&post("transfer-encoding: chunked", chunks)).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{chunks:?}\n{answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{chunks:?}\n{answer}");
    }
}

/// What is framed once and clearly still is, also several to a packet.
#[tokio::test]
async fn requests_of_every_clear_framing_follow_each_other_on_one_connection() {
    let server = Running::plain().await;
    let text = "\r\nPOST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\na\n\nbc\
        POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nd\ne\r\n0\r\nt: v\r\n\r\n\
        GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answer = server.raw(text).await;
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 3, "{answer}");
    assert!(answer.contains("a\n\nbc") && answer.contains("d\ne"), "{answer}");
}

/// Spec: RFC 6585 §5
#[tokio::test]
async fn a_head_of_any_length_is_not_read() {
    let server = Running::plain().await;
    let answer = server.raw(&format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "a".repeat(100_000))).await;
    assert!(answer.starts_with("HTTP/1.1 431") || answer.is_empty(), "{answer}");
    let many: String = (0..200).map(|n| format!("x{n}: y\r\n")).collect();
    let answer = server.raw(&format!("GET / HTTP/1.1\r\nhost: x\r\n{many}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn a_request_in_flight_is_answered_after_shutdown_began() {
    let server = Running::plain().await;
    let (web, url) = (WebClient::new(None).unwrap(), server.url("/wait"));
    let waiting = tokio::spawn(async move { post(&web, &url, "").await.1 });
    server.waiting.notified().await;
    server.shutdown.send(()).unwrap();
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!server.serving.is_finished());
    server.go.notify_one();
    assert_eq!(waiting.await.unwrap(), "waited");
    timeout(Duration::from_secs(5), server.serving).await.expect("ends after the last answer").unwrap();
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_after_the_drain() {
    let server = Running::start(ListenLimits { drain: SHORT, ..ListenLimits::default() }, None).await;
    let (web, url) = (WebClient::new(None).unwrap(), server.url("/never"));
    let never = tokio::spawn(async move { web.request(Method::GET, &url, HeaderMap::new(), "").await });
    server.waiting.notified().await;
    server.shutdown.send(()).unwrap();
    timeout(Duration::from_secs(5), server.serving).await.expect("ends after the drain").unwrap();
    assert!(never.await.unwrap().is_err());
}

#[test]
fn a_certificate_that_can_not_be_used_says_why() {
    let (ours, other) = (Certificate::for_localhost(), Certificate::for_localhost());
    assert!(matches!(Tls::from_pem(b"", &ours.key), Err(TlsError::NoCertificate)));
    assert!(matches!(Tls::from_pem(&ours.key, &ours.key), Err(TlsError::NoCertificate)));
    assert!(matches!(Tls::from_pem(&ours.chain, b""), Err(TlsError::BadKey(_))));
    assert!(matches!(Tls::from_pem(&ours.chain, &other.key), Err(TlsError::Mismatch(_))));
}
