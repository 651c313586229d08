//! What a listener takes from strangers, and what it does not let them do.

#![allow(clippy::unwrap_used)]

mod certificate;

use std::{convert::Infallible, future::pending, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use certificate::Certificate;
use futures_util::stream;
use http::{HeaderMap, Method, Request, Response, Version};
use http_body_util::StreamBody;
use hyper::body::{Frame, Incoming};
use portcullis_net::{BindError, Body, ListenLimits, Listener, Tls, TlsError, WebClient, boxed, full, read_body};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{Notify, oneshot},
    task::JoinHandle,
    time::timeout,
};

const SHORT: Duration = Duration::from_millis(60);

struct Running {
    address: SocketAddr,
    shutdown: oneshot::Sender<()>,
    serving: JoinHandle<()>,
    /// Lets `/wait` answer.
    go: Arc<Notify>,
    /// Tells that `/wait` was reached.
    waiting: Arc<Notify>,
}

impl Running {
    async fn start(limits: ListenLimits, tls: Option<Tls>) -> Self {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), tls).await.unwrap();
        let address = listener.local_addr();
        let (shutdown, stop) = oneshot::channel();
        let (go, waiting) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let service = {
            let (go, waiting) = (go.clone(), waiting.clone());
            move |request: Request<Incoming>| {
                assert!(request.uri().path() != "/panic-at-once", "at once");
                answer(request, go.clone(), waiting.clone())
            }
        };
        let serving = tokio::spawn(listener.serve(limits, service, stop));
        Self { address, shutdown, serving, go, waiting }
    }

    async fn plain() -> Self {
        Self::start(ListenLimits::default(), None).await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends `text` on a connection of its own; what comes back until it is closed.
    async fn raw(&self, text: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await.expect("should be closed");
        String::from_utf8_lossy(&answer).into_owned()
    }
}

async fn answer(request: Request<Incoming>, go: Arc<Notify>, waiting: Arc<Notify>) -> Response<Body> {
    match request.uri().path() {
        "/panic" => panic!("in the middle"),
        "/wait" => {
            waiting.notify_one();
            go.notified().await;
            Response::new(full("waited"))
        }
        "/endless" => {
            let end = Ended(waiting);
            let pieces = stream::repeat_with(move || {
                let _ = &end;
                Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[0; 16 * 1024])))
            });
            Response::new(boxed(StreamBody::new(pieces)))
        }
        "/never" => {
            waiting.notify_one();
            pending().await
        }
        _ => Response::new(full(read_body(request.into_body(), 100).await.unwrap())),
    }
}

/// Tells when a body is dropped.
struct Ended(Arc<Notify>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

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

/// The attack known as Slowloris: many connections that are never finished.
#[tokio::test]
async fn a_client_that_does_not_say_what_it_wants_is_shown_out() {
    let limits = ListenLimits { header_timeout: SHORT, ..ListenLimits::default() };
    let tls = Running::start(limits, Some(Certificate::for_localhost().tls())).await;
    let plain = Running::start(limits, None).await;
    assert_eq!(plain.raw("").await, "", "says nothing");
    assert_eq!(plain.raw("GET / HTTP/1.1\r\nhost:").await, "", "stops in the head");
    assert_eq!(tls.raw("").await, "", "does not finish the handshake");
    let idle = plain.raw("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(idle.starts_with("HTTP/1.1 200"), "answered, then idle: {idle}");
}

/// A slow reader holds a connection and what was written for it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let limits = ListenLimits { unread_timeout: SHORT, ..ListenLimits::default() };
    let server = Running::start(limits, None).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    timeout(Duration::from_secs(10), server.waiting.notified()).await.expect("the body should be dropped");
}

#[tokio::test]
async fn connections_beyond_the_cap_wait_for_a_place() {
    let server = Running::start(ListenLimits { connections: 1, ..ListenLimits::default() }, None).await;
    let mut first = TcpStream::connect(server.address).await.unwrap();
    first.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(first.read(&mut [0; 1024]).await.unwrap() > 0);
    let (web, url) = (WebClient::new(None).unwrap(), server.url("/"));
    let mut second = tokio::spawn(async move { post(&web, &url, "second").await.1 });
    assert!(timeout(SHORT, &mut second).await.is_err(), "no place yet");
    drop(first);
    assert_eq!(second.await.unwrap(), "second");
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
