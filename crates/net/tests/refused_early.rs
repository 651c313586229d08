//! Requests that are answered before their bodies were read: the answer arrives, and the connection is good for the
//! next request or says that it is not.

#![allow(clippy::unwrap_used)]

mod server;

use std::time::Duration;

use server::Running;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// The head of the next answer and its body, which is as long as `content-length` says.
async fn answer(stream: &mut TcpStream) -> Option<String> {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        text.push(timeout(Duration::from_secs(10), stream.read_u8()).await.expect("an answer").ok()?);
    }
    let head = String::from_utf8(text).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    stream.read_exact(&mut vec![0; length]).await.ok()?;
    Some(head)
}

fn post(path: &str, length: usize) -> Vec<u8> {
    format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n").into_bytes()
}

/// Field: G13
#[tokio::test]
async fn a_small_body_that_nobody_read_leaves_the_connection_usable() {
    let server = Running::plain().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    for round in 0..300 {
        let length = [1, 200, 5_000, 60_000][round % 4];
        stream.write_all(&post("/refused", length)).await.unwrap();
        if round % 3 == 0 {
            tokio::task::yield_now().await;
        }
        stream.write_all(&vec![b'x'; length]).await.unwrap();
        let refused = answer(&mut stream).await.expect("an answer to the refused one");
        assert!(refused.starts_with("http/1.1 401") && !refused.contains("connection: close"), "{round} {refused}");
        stream.write_all(&post("/", 2)).await.unwrap();
        stream.write_all(b"ok").await.unwrap();
        assert!(answer(&mut stream).await.expect("an answer to the next one").starts_with("http/1.1 200"), "{round}");
    }
}

/// Field: G13
#[tokio::test]
async fn chunks_that_nobody_read_are_taken_off_the_wire_as_well() {
    let server = Running::plain().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    for _ in 0..100 {
        stream.write_all(b"POST /refused HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
        stream.write_all(b"3\r\nabc\r\n").await.unwrap();
        tokio::task::yield_now().await;
        stream.write_all(b"0\r\n\r\n").await.unwrap();
        let refused = answer(&mut stream).await.expect("an answer");
        assert!(refused.starts_with("http/1.1 401") && !refused.contains("connection: close"), "{refused}");
    }
}

/// The answer is there although the client goes on sending what nobody will read.
///
/// Field: G13
#[tokio::test]
async fn a_large_body_that_nobody_reads_costs_the_connection_but_never_the_answer() {
    let server = Running::plain().await;
    for length in [70_000, 1_000_000, 3_000_000] {
        for path in ["/refused", "/"] {
            for _ in 0..30 {
                let mut stream = TcpStream::connect(server.address).await.unwrap();
                stream.write_all(&post(path, length)).await.unwrap();
                stream.write_all(&vec![b'x'; length]).await.unwrap();
                let refused = answer(&mut stream).await.expect("an answer");
                assert!(refused.starts_with("http/1.1 40"), "{refused}");
                assert!(refused.contains("connection: close"), "{refused}");
                assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "and then the end, not a reset");
            }
        }
    }
}

/// Spec: RFC 9110 §10.1.1 (a client that gets a final status does not send the body)
///
/// Field: G13
#[tokio::test]
async fn a_client_that_asked_first_is_not_told_to_send_a_body_for_nothing() {
    let server = Running::plain().await;
    let text = "POST /refused HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n";
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let refused = answer(&mut stream).await.expect("an answer");
    assert!(refused.starts_with("http/1.1 401") && refused.contains("connection: close"), "{refused}");
}

/// Field: G13, S3
#[tokio::test]
async fn a_body_that_stops_coming_holds_the_answer_up_for_a_moment_only() {
    let server = Running::plain().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&post("/refused", 10)).await.unwrap();
    stream.write_all(b"half").await.unwrap();
    let refused = answer(&mut stream).await.expect("an answer");
    assert!(refused.starts_with("http/1.1 401") && refused.contains("connection: close"), "{refused}");
    assert_eq!(timeout(Duration::from_secs(5), stream.read(&mut [0])).await.expect("closed").unwrap(), 0);
}
