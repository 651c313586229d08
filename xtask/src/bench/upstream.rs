//! The cheapest MCP server there can be: one tool, and one answer whatever it is called with.

use std::{
    io::{BufRead, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
};

/// What every answer holds, so that the load can tell it from an error.
pub const MARKER: &str = "the-answer-of-the-upstream";

pub fn serve(port: u16) -> anyhow::Result<()> {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"result":{{"resultType":"complete","content":[{{"type":"text","text":"{MARKER}{}"}}],"isError":false}}}}"#,
        "x".repeat(180)
    );
    let (answer, list) = (whole(&body), whole(LIST));
    for connection in TcpListener::bind(("127.0.0.1", port))?.incoming() {
        let (connection, answer, list) = (connection?, answer.clone(), list.clone());
        thread::spawn(move || answered(connection, &answer, &list));
    }
    Ok(())
}

/// What it offers, to whoever asks for its tools.
const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","tools":[{"name":"echo","description":"Says it again.","inputSchema":{"type":"object","properties":{"text":{"type":"string"}}}}]}}"#;

fn whole(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// Answers until the other side goes away.
fn answered(connection: TcpStream, answer: &str, list: &str) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut reader = BufReader::new(connection.try_clone()?);
    let mut writer = connection;
    let mut line = String::new();
    let mut body = Vec::new();
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line == "\r\n" {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        let lists = body.windows(12).any(|text| text == b"\"tools/list\"");
        writer.write_all(if lists { list } else { answer }.as_bytes())?;
    }
}
