//! A proxy that adds a bearer token to every request and changes nothing else.
//!
//! The conformance runner cannot send a header of its own. Heads and bodies pass byte for byte, in
//! the order and chunks they came in; when either side hangs up, so does the other.
//!
//! Spec: RFC 9112 §6.

use std::{io, sync::Arc};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf},
};

/// Passes everything from `listener` to `upstream` (`host:port`) with `token` added, until dropped.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, upstream: String, token: String) -> io::Result<()> {
    let line: Arc<str> = format!("Authorization: Bearer {token}\r\n").into();
    loop {
        let (client, _) = listener.accept().await?;
        // A connection that breaks concerns its two ends only.
        tokio::spawn(connection(client, upstream.clone(), line.clone()));
    }
}

async fn connection(client: TcpStream, upstream: String, line: Arc<str>) -> io::Result<()> {
    let server = TcpStream::connect(upstream).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, mut to_client) = client.into_split();
    let (mut from_server, to_server) = server.into_split();
    tokio::select! {
        ended = requests(BufReader::new(from_client), to_server, &line) => ended,
        ended = tokio::io::copy(&mut from_server, &mut to_client) => ended.map(|_| ()),
    }
}

/// How the body of a request ends.
enum Body {
    Length(u64),
    Chunked,
}

async fn requests(mut from: BufReader<OwnedReadHalf>, mut to: impl AsyncWrite + Unpin, line: &str) -> io::Result<()> {
    loop {
        let mut request_line = Vec::new();
        if from.read_until(b'\n', &mut request_line).await? == 0 {
            return Ok(());
        }
        let mut head = request_line;
        head.extend_from_slice(line.as_bytes());
        let body = read_head(&mut from, &mut head).await?;
        to.write_all(&head).await?;
        match body {
            Body::Length(length) => {
                tokio::io::copy_buf(&mut (&mut from).take(length), &mut to).await?;
            }
            Body::Chunked => pass_chunks(&mut from, &mut to).await?,
        }
    }
}

async fn read_head(from: &mut BufReader<OwnedReadHalf>, head: &mut Vec<u8>) -> io::Result<Body> {
    let mut body = Body::Length(0);
    loop {
        let start = head.len();
        if from.read_until(b'\n', head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = String::from_utf8_lossy(&head[start..]).trim().to_ascii_lowercase();
        match line.split_once(':') {
            Some(("content-length", value)) => body = Body::Length(number(value, 10)?),
            Some(("transfer-encoding", value)) if value.contains("chunked") => body = Body::Chunked,
            _ if line.is_empty() => return Ok(body),
            _ => {}
        }
    }
}

async fn pass_chunks(from: &mut BufReader<OwnedReadHalf>, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    loop {
        let mut line = Vec::new();
        from.read_until(b'\n', &mut line).await?;
        to.write_all(&line).await?;
        let text = String::from_utf8_lossy(&line);
        let size = number(text.split(';').next().unwrap_or_default(), 16)?;
        // The chunk and the line break after it; after the last chunk only the line break.
        tokio::io::copy_buf(&mut from.take(size + 2), to).await?;
        if size == 0 {
            return Ok(());
        }
    }
}

fn number(text: &str, radix: u32) -> io::Result<u64> {
    u64::from_str_radix(text.trim(), radix).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
