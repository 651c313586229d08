//! Clients that take places, time and memory, and how they lose them.

#![allow(clippy::unwrap_used)]

mod certificate;
mod server;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use certificate::Certificate;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::{body::Incoming, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use portcullis_net::{ListenLimits, PerAddress};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use server::{Running, SHORT};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::TlsConnector;

const LONG: Duration = Duration::from_secs(10);
const HELLO: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

/// The head of one answer without a body.
async fn answered(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
}

/// One HTTP/2 connection, whose client decides how much it takes.
struct Connection {
    requests: http2::SendRequest<Empty<Bytes>>,
    open: JoinHandle<hyper::Result<()>>,
}

impl Connection {
    async fn to(limits: ListenLimits) -> (Running, Self) {
        Self::with_window(limits, 65_535).await
    }

    async fn with_window(limits: ListenLimits, window: u32) -> (Running, Self) {
        let certificate = Certificate::for_localhost();
        let server = Running::start(limits, Some(certificate.tls())).await;
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&certificate.authority).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut tls = tls.with_root_certificates(roots).with_no_client_auth();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let tcp = TcpStream::connect(server.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(tls)).connect(name, tcp).await.unwrap();
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        let (requests, driver) =
            http2.initial_stream_window_size(window).handshake(TokioIo::new(stream)).await.unwrap();
        (server, Self { requests, open: tokio::spawn(driver) })
    }

    async fn get(&mut self, path: &str) -> Response<Incoming> {
        let request = Request::get(format!("https://localhost{path}")).body(Empty::new()).unwrap();
        self.requests.send_request(request).await.unwrap()
    }

    async fn ended(self) {
        let _ = timeout(LONG, self.open).await.expect("the connection should be closed").unwrap();
    }
}

async fn text(response: Response<Incoming>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().into()).unwrap()
}

#[tokio::test]
async fn one_address_does_not_get_all_places() {
    let limits = ListenLimits { per_address: PerAddress::AtMost(2), ..ListenLimits::default() };
    let server = Running::start(limits, None).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(TcpStream::connect(server.address).await.unwrap());
        held.last_mut().unwrap().write_all(HELLO).await.unwrap();
        answered(held.last_mut().unwrap()).await;
    }
    let third = server.raw("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.to_lowercase();
    assert!(third.starts_with("http/1.1 503") && third.contains("retry-after: 5"), "the third is told: {third}");
    assert!(third.contains("connection: close"), "{third}");
    let other = TcpSocket::new_v4().unwrap();
    // On Linux all of 127.0.0.0/8 are addresses of this machine.
    #[cfg(target_os = "linux")]
    other.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    #[cfg(not(target_os = "linux"))]
    held.clear();
    let mut other = other.connect(server.address).await.unwrap();
    other.write_all(HELLO).await.unwrap();
    answered(&mut other).await;
}

/// The attack known as Slowloris: many connections that are never finished.
#[tokio::test]
async fn a_client_that_does_not_say_what_it_wants_is_shown_out() {
    let limits = ListenLimits { header_timeout: SHORT, idle_timeout: SHORT, ..ListenLimits::default() };
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

/// Field: S3, S5
#[tokio::test]
async fn when_the_house_is_full_the_oldest_stranger_makes_room_and_who_is_known_stays() {
    let server = Running::start(ListenLimits { connections: 2, ..ListenLimits::default() }, None).await;
    let mut known = TcpStream::connect(server.address).await.unwrap();
    known.write_all(b"GET /verified HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    answered(&mut known).await;
    assert_eq!(known.read_exact(&mut [0; 5]).await.unwrap(), 5);
    let mut stranger = TcpStream::connect(server.address).await.unwrap();
    stranger.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n").await.unwrap();
    for _ in 0..4 {
        let next = server.raw("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        assert!(next.starts_with("HTTP/1.1 200"), "{next}");
    }
    let gone = timeout(LONG, stranger.read_to_end(&mut Vec::new())).await.expect("should be closed");
    assert!(gone.is_err() || gone.is_ok_and(|bytes| bytes == 0));
    known.write_all(HELLO).await.unwrap();
    answered(&mut known).await;
}

/// Silence would be taken for a network that is down.
///
/// Field: N15, S3
#[tokio::test]
async fn who_finds_no_room_is_told_so_and_health_is_answered_all_the_same() {
    let always_open = |path: &str| path == "/short";
    let limits = ListenLimits { connections: 2, kept_back: 1, always_open, ..ListenLimits::default() };
    let server = Running::start(limits, None).await;
    let mut known = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(b"GET /verified HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        answered(&mut stream).await;
        known.push(stream);
    }
    let _silent = TcpStream::connect(server.address).await.unwrap();
    for _ in 0..3 {
        let refused = server.raw("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.to_lowercase();
        assert!(refused.starts_with("http/1.1 503") && refused.contains("retry-after: "), "{refused}");
        let health = server.raw("GET /short HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    }
    drop(known);
}

/// The age of a connection used to start its end only: a body that never came put it off for ever.
///
/// Field: S3
#[tokio::test]
async fn an_old_connection_that_does_not_come_to_an_end_is_cut() {
    let limits = ListenLimits { max_age: SHORT, overtime: SHORT, ..ListenLimits::default() };
    let server = Running::start(limits, None).await;
    let unfinished = server.raw("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n").await;
    assert_eq!(unfinished, "", "its body never comes");
    assert_eq!(server.raw("GET /never HTTP/1.1\r\nhost: x\r\n\r\n").await, "", "its answer never comes");
    let (server, mut connection) = Connection::to(limits).await;
    let never = connection.get("/quiet").await;
    assert!(timeout(LONG, never.into_body().collect()).await.expect("should be cut").is_err());
    drop(server);
}

/// An idle client of a moment ago is more welcome than one that never said a word.
#[tokio::test]
async fn between_two_requests_there_is_more_time_than_before_the_first() {
    let server = Running::start(ListenLimits { header_timeout: SHORT, ..ListenLimits::default() }, None).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(HELLO).await.unwrap();
    answered(&mut stream).await;
    assert!(timeout(SHORT * 4, stream.read_u8()).await.is_err(), "neither closed nor answered");
    stream.write_all(HELLO).await.unwrap();
    answered(&mut stream).await;
}

#[tokio::test]
async fn an_old_connection_answers_what_it_was_asked_and_closes() {
    let limits = ListenLimits { max_age: SHORT, ..ListenLimits::default() };
    let server = Running::start(limits, None).await;
    assert_eq!(server.raw("").await, "", "not asked at all");
    let idle = server.raw("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(idle.starts_with("HTTP/1.1 200"), "asked, then idle: {idle}");
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    busy.write_all(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(timeout(SHORT * 4, busy.read_u8()).await.is_err(), "not cut off");
    server.go.notify_one();
    let mut answer = String::new();
    timeout(LONG, busy.read_to_string(&mut answer)).await.expect("should be closed").unwrap();
    assert!(answer.contains("connection: close") && answer.ends_with("waited"), "{answer}");
}

/// Spec: RFC 9113 §6.8
#[tokio::test]
async fn an_old_http2_connection_finishes_its_streams_and_closes() {
    let (server, mut connection) =
        Connection::to(ListenLimits { max_age: SHORT, header_timeout: LONG * 10, ..ListenLimits::default() }).await;
    let response = connection.get("/quiet").await;
    assert!(timeout(SHORT * 4, &mut connection.open).await.is_err(), "not cut off");
    server.go.notify_one();
    assert_eq!(text(response).await, "firstsecond");
    connection.ended().await;
}

/// Answering the pings of a server is not the same as wanting something from it.
#[tokio::test]
async fn an_http2_connection_without_a_request_is_closed() {
    let limits = ListenLimits { header_timeout: SHORT, ..ListenLimits::default() };
    let (_server, never_asked) = Connection::to(limits).await;
    never_asked.ended().await;
    let (_server, mut asked) = Connection::to(limits).await;
    assert_eq!(asked.get("/").await.status(), 200);
    asked.ended().await;
}

#[tokio::test]
async fn an_http2_connection_with_a_request_in_flight_is_not_idle() {
    let limits = ListenLimits { header_timeout: SHORT, ..ListenLimits::default() };
    let (server, mut connection) = Connection::to(limits).await;
    let response = connection.get("/quiet").await;
    assert!(timeout(SHORT * 4, &mut connection.open).await.is_err(), "still open");
    server.go.notify_one();
    assert_eq!(text(response).await, "firstsecond");
}

/// The body of the answer, and what it is relayed from, would live as long as the client likes.
///
/// Spec: RFC 9113 §5.2, §10.5
#[tokio::test]
async fn an_http2_stream_without_a_window_is_reset_and_the_others_go_on() {
    let (server, mut connection) =
        Connection::to(ListenLimits { unread_timeout: SHORT, ..ListenLimits::default() }).await;
    let unread = connection.get("/endless").await;
    timeout(LONG, server.waiting.notified()).await.expect("the body should be dropped");
    assert_eq!(text(connection.get("/short").await).await, "a few more bytes than there is window");
    assert!(unread.into_body().collect().await.is_err());
}

/// Events that do not come are not events that are not read.
#[tokio::test]
async fn an_http2_stream_that_has_nothing_to_say_is_left_alone() {
    let (server, mut connection) =
        Connection::to(ListenLimits { unread_timeout: SHORT, ..ListenLimits::default() }).await;
    let response = connection.get("/quiet").await;
    assert!(timeout(SHORT * 4, &mut connection.open).await.is_err());
    server.go.notify_one();
    assert_eq!(text(response).await, "firstsecond");
}

/// They are in the hands of the protocol, where no stream waits for them any more.
#[tokio::test]
async fn last_bytes_that_nobody_takes_do_not_hold_a_connection() {
    let limits = ListenLimits { header_timeout: SHORT, unread_timeout: SHORT, ..ListenLimits::default() };
    let (_server, mut connection) = Connection::with_window(limits, 10).await;
    let _unread = connection.get("/short").await;
    connection.ended().await;
}
