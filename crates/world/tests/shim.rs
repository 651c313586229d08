//! The bearer shim adds one header and keeps the rest, byte for byte.

use portcullis_world::shim;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// Spec: RFC 9112 §6, §7.1
#[tokio::test]
async fn what_arrives_is_what_was_sent_plus_the_token() {
    let body = "POST /mcp HTTP/1.1\r\nHOST: localhost:1\r\nx-Odd:  spaced \r\nContent-Length: 5\r\n\r\nhello";
    let chunks = "POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n";
    let plain = "DELETE /c HTTP/1.1\r\nhost: a\r\n\r\n";
    let sent = [body, chunks, plain].concat();
    let expected = sent.replace(" HTTP/1.1\r\n", " HTTP/1.1\r\nAuthorization: Bearer t0ken\r\n");

    let (mut client, mut server) = through_the_shim().await;
    client.write_all(sent.as_bytes()).await.unwrap();
    let mut arrived = vec![0; expected.len()];
    server.read_exact(&mut arrived).await.unwrap();
    assert_eq!(String::from_utf8(arrived).unwrap(), expected);
}

#[tokio::test]
async fn an_answer_passes_while_it_is_written() {
    let (mut client, mut server) = through_the_shim().await;
    for piece in ["HTTP/1.1 200 OK\r\n\r\n", "data: 1\n\n", "data: 2\n\n"] {
        server.write_all(piece.as_bytes()).await.unwrap();
        let mut arrived = vec![0; piece.len()];
        client.read_exact(&mut arrived).await.unwrap();
        assert_eq!(arrived, piece.as_bytes());
    }
}

#[tokio::test]
async fn who_hangs_up_hangs_up_on_the_other_side_too() {
    let (client, mut server) = through_the_shim().await;
    drop(client);
    assert_eq!(server.read(&mut [0; 1]).await.unwrap(), 0);

    let (mut client, server) = through_the_shim().await;
    drop(server);
    assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
}

async fn through_the_shim() -> (TcpStream, TcpStream) {
    let upstream = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let front = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = front.local_addr().expect("an address");
    tokio::spawn(shim::serve(front, upstream.local_addr().expect("an address").to_string(), "t0ken".into()));
    let client = TcpStream::connect(address).await.expect("a free port");
    (client, upstream.accept().await.expect("a connection").0)
}
