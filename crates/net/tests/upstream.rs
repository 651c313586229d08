//! What the client of a protected server sends, and how it says that there is no answer.

#![allow(clippy::unwrap_used)]

use std::{
    future::pending,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use portcullis_net::{Upstream, UpstreamError, UpstreamSetupError, read_body};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

const LONG: Duration = Duration::from_secs(5);

/// What a server on the loopback does with each connection.
#[derive(Clone, Copy)]
enum Answers {
    /// Says what it was asked, keeps the connection.
    Echo,
    /// Reads and says nothing.
    Never,
    /// Reads and hangs up.
    HangsUp,
    /// A compressed redirect.
    Redirect,
    /// Sends on so many times, to one directory more each time, and then says what it was asked.
    SendsOn(usize),
}

async fn server(answers: Answers) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut request = vec![0; 4096];
                let mut asked = 0;
                while let Ok(length @ 1..) = stream.read(&mut request).await {
                    asked += 1;
                    let answer = match answers {
                        Answers::SendsOn(times) if asked <= times => {
                            format!("HTTP/1.1 307 T\r\nlocation: /{}\r\ncontent-length: 0\r\n\r\n", "on/".repeat(asked))
                        }
                        Answers::SendsOn(_) => format!(
                            "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{}",
                            String::from_utf8_lossy(&request[..length])
                        ),
                        Answers::Echo => format!(
                            "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{}",
                            String::from_utf8_lossy(&request[..length])
                        ),
                        Answers::Redirect => "HTTP/1.1 307 T\r\nlocation: http://127.0.0.1:1/\r\n\
                            content-encoding: gzip\r\ncontent-length: 2\r\n\r\nzz"
                            .to_owned(),
                        Answers::HangsUp => return,
                        Answers::Never => {
                            tokio::time::pause();
                            pending().await
                        }
                    };
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    (address, connections)
}

fn upstream(address: SocketAddr) -> Upstream {
    Upstream::new(format!("http://{address}/mcp?tenant=a").parse().unwrap(), None, LONG).unwrap()
}

#[tokio::test]
async fn a_request_carries_what_it_was_handed_and_its_framing() {
    let (address, _) = server(Answers::Echo).await;
    let headers = HeaderMap::from_iter([("mcp-method".parse().unwrap(), HeaderValue::from_static("tools/call"))]);
    let response = upstream(address).send(Method::POST, || headers.clone(), Bytes::from("{}"), LONG).await.unwrap();
    let sent = read_body(response.into_body(), 4096).await.unwrap();
    let sent = std::str::from_utf8(&sent).unwrap();
    let (head, body) = sent.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<&str> = head.lines().collect();
    assert_eq!(lines.remove(0), "POST /mcp?tenant=a HTTP/1.1");
    lines.sort_unstable();
    assert_eq!(lines, ["content-length: 2", &format!("host: {address}"), "mcp-method: tools/call"]);
    assert_eq!(body, "{}");
}

#[tokio::test]
async fn connections_are_used_again() {
    let (address, connections) = server(Answers::Echo).await;
    let upstream = upstream(address);
    for _ in 0..5 {
        let response = upstream.send(Method::POST, HeaderMap::new, Bytes::new(), LONG).await.unwrap();
        read_body(response.into_body(), 4096).await.unwrap();
        // The connection goes back to the pool in a task of its own.
        tokio::task::yield_now().await;
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn redirects_to_elsewhere_and_encodings_are_handed_on_untouched() {
    let (address, connections) = server(Answers::Redirect).await;
    let response = upstream(address).send(Method::POST, HeaderMap::new, Bytes::new(), LONG).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.headers()["content-encoding"].as_bytes()),
        (307, b"gzip".as_slice())
    );
    assert_eq!(read_body(response.into_body(), 4096).await.unwrap(), "zz");
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

/// Spec: RFC 9110 §15.4.8
///
/// Field: G8
#[tokio::test]
async fn a_request_is_sent_on_within_its_origin_with_method_headers_and_body() {
    for times in [1, 2] {
        let (address, _) = server(Answers::SendsOn(times)).await;
        let headers = HeaderMap::from_iter([("mcp-method".parse().unwrap(), HeaderValue::from_static("tools/call"))]);
        let response = upstream(address).send(Method::POST, || headers.clone(), Bytes::from("{}"), LONG).await.unwrap();
        let sent = read_body(response.into_body(), 4096).await.unwrap();
        let sent = std::str::from_utf8(&sent).unwrap();
        assert!(sent.starts_with(&format!("POST /{} HTTP/1.1\r\n", "on/".repeat(times))), "{sent}");
        assert!(sent.contains("mcp-method: tools/call\r\n") && sent.ends_with("\r\n\r\n{}"), "{sent}");
    }
}

/// Field: G8
#[tokio::test]
async fn a_server_that_sends_on_again_and_again_is_left_at_the_second_time() {
    let (address, _) = server(Answers::SendsOn(3)).await;
    let response = upstream(address).send(Method::POST, HeaderMap::new, Bytes::new(), LONG).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["location"]),
        (307, &HeaderValue::from_static("/on/on/on/"))
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = upstream(address).send(Method::POST, HeaderMap::new, Bytes::new(), LONG).await.unwrap_err();
    assert!(matches!(&error, UpstreamError::Unreachable(why) if why.contains("refused")), "{error}");
}

#[tokio::test]
async fn a_server_that_hangs_up_may_have_acted_and_is_not_asked_twice() {
    let (address, connections) = server(Answers::HangsUp).await;
    let error = upstream(address).send(Method::POST, HeaderMap::new, Bytes::from("{}"), LONG).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Broken(_)), "{error}");
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_server_that_does_not_begin_to_answer_is_given_up() {
    let (address, _) = server(Answers::Never).await;
    let deadline = Duration::from_secs(60);
    let error = upstream(address).send(Method::POST, HeaderMap::new, Bytes::new(), deadline).await.unwrap_err();
    assert!(matches!(error, UpstreamError::TimedOut(given) if given == deadline), "{error}");
}

#[test]
fn what_can_not_be_set_up_is_refused_at_the_start() {
    let upstream = |url: &str, ca: Option<&[u8]>| Upstream::new(url.parse().unwrap(), ca, LONG);
    assert!(matches!(upstream("ftp://a.test/", None), Err(UpstreamSetupError::BadUrl(_))));
    assert!(matches!(upstream("https://a.test/", Some(b"nothing")), Err(UpstreamSetupError::Ca(_))));
    assert!(upstream("https://a.test/mcp", None).is_ok());
}
