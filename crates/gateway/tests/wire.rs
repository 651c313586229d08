//! What is on the wire, revision by revision: each file is a conversation, and holds all of it.
//!
//! `asks` and `server` are what the client and the server say; `sent` and `told` are what the gateway makes of it, and are
//! compared. `PORTCULLIS_UPDATE_WIRE=1 cargo test -p portcullis-gateway --test wire` writes them anew: read the difference.
//!
//! Spec: MCP 2026-07-28, 2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05 basic/transports/streamable-http.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

#[path = "world/mod.rs"]
mod world;

use std::{
    fmt::Write,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use axum::{body::Body, response::Response};
use http::{HeaderMap, Method};
use world::World;

#[tokio::test]
async fn stateless() {
    transcript("2026-07-28").await;
}

#[tokio::test]
async fn the_last_one_with_sessions() {
    transcript("2025-11-25").await;
}

#[tokio::test]
async fn sessions_with_a_version_header() {
    transcript("2025-06-18").await;
}

#[tokio::test]
async fn sessions_without_a_version_header() {
    transcript("2025-03-26").await;
}

#[tokio::test]
async fn the_first_one() {
    transcript("2024-11-05").await;
}

/// A part of a file: what it is of, and its text.
struct Part {
    kind: String,
    text: String,
}

async fn transcript(revision: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/wire/{revision}.txt"));
    let written = fs::read_to_string(&path).unwrap();
    let spoken = replay(&parts(&written)).await;
    if std::env::var_os("PORTCULLIS_UPDATE_WIRE").is_some() {
        fs::write(&path, &spoken).unwrap();
        return;
    }
    assert!(spoken == written, "{} says otherwise now:\n{spoken}", path.display());
}

/// Parts begin with a line `--- kind`, or `=== title` of an exchange.
fn parts(text: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("--- ").or(line.strip_prefix("=== ").map(|_| line)) {
            Some(kind) => parts.push(Part { kind: kind.to_owned(), text: String::new() }),
            None => {
                if let Some(part) = parts.last_mut() {
                    part.text.push_str(line);
                    part.text.push('\n');
                }
            }
        }
    }
    parts
}

async fn replay(parts: &[Part]) -> String {
    let world = World::start().await;
    let (mut out, mut sealed) = (String::new(), Sealed::default());
    let mut rest = parts.iter().peekable();
    while let Some(title) = rest.next() {
        assert!(title.kind.starts_with("=== "), "`{}` stands where an exchange should begin", title.kind);
        writeln!(out, "{}", title.kind).unwrap();
        let asks = rest.next().filter(|part| part.kind == "asks").expect("what is asked");
        let mut server = None;
        while let Some(part) = rest.next_if(|part| !part.kind.starts_with("=== ")) {
            if part.kind == "server" {
                server = Some(part.text.clone());
            }
        }
        writeln!(out, "--- asks\n{}", asks.text.trim_end()).unwrap();
        exchange(&world, &asks.text, server, &mut sealed, &mut out).await;
    }
    out
}

/// One request and what becomes of it.
async fn exchange(world: &World, asks: &str, server: Option<String>, sealed: &mut Sealed, out: &mut String) {
    let before = world.upstream.arrived().len();
    let says = Arc::new(Mutex::new(server.clone()));
    world.upstream.answers(move |_| says.lock().unwrap().as_deref().map(response));
    let (first, headers, body) = taken_apart(&sealed.opened(asks));
    let (method, path) = first.split_once(' ').unwrap();
    let bearer = format!("Bearer {}", world.token());
    let mut headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    match headers.iter().position(|(name, _)| *name == "authorization") {
        Some(at) => drop(headers.remove(at)),
        None => headers.push(("authorization", &bearer)),
    }
    let method: Method = method.parse().unwrap();
    let answer = world.send(method, path, &headers, body).await;
    if let Some(sent) = world.upstream.arrived().get(before) {
        let head = format!("{} {}", sent.method, sent.path);
        writeln!(out, "--- sent\n{}", shown(&head, &sent.headers, &String::from_utf8_lossy(&sent.body), None)).unwrap();
    }
    if let Some(server) = server {
        writeln!(out, "--- server\n{}", server.trim_end()).unwrap();
    }
    let told = shown(answer.status.as_str(), &answer.headers, &answer.text(), Some(sealed));
    writeln!(out, "--- told\n{told}\n").unwrap();
}

/// The first line, the headers, and the body behind a blank line.
fn taken_apart(text: &str) -> (String, Vec<(String, String)>, String) {
    let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
    let mut lines = head.lines();
    let first = lines.next().unwrap().to_owned();
    let headers = lines.map(|line| line.split_once(": ").unwrap()).map(|(name, value)| (name.into(), value.into()));
    // A stream of events needs its last blank line.
    let body = if body.contains("data: ") { format!("{}\n\n", body.trim_end()) } else { body.trim_end().to_owned() };
    (first, headers.collect(), body)
}

fn response(text: &str) -> Response {
    let (status, headers, body) = taken_apart(text);
    let mut response = Response::builder().status(status.parse::<u16>().unwrap());
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Body::from(body)).unwrap()
}

/// Sorted, without what differs from run to run.
fn shown(first: &str, headers: &HeaderMap, body: &str, sealed: Option<&mut Sealed>) -> String {
    let mut lines: Vec<_> = headers
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "host" | "content-length" | "date" | "connection"))
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .map(|line| line.replace(env!("CARGO_PKG_VERSION"), "<version>"))
        .collect();
    lines.sort_unstable();
    let body = if body.is_empty() { String::new() } else { format!("\n\n{}", body.trim_end()) };
    let text = format!("{}{body}", [&[first.to_owned()], lines.as_slice()].concat().join("\n"));
    match sealed {
        Some(sealed) => sealed.hidden(&text),
        None => text,
    }
}

/// What leaves sealed looks different each time: it is written as `<sealed 1>`, and comes back as it was.
#[derive(Default)]
struct Sealed(Vec<String>);

impl Sealed {
    fn opened(&self, text: &str) -> String {
        let numbered = self.0.iter().enumerate();
        numbered.fold(text.to_owned(), |text, (at, one)| text.replace(&format!("<sealed {}>", at + 1), one))
    }

    fn hidden(&mut self, text: &str) -> String {
        let is_sealed =
            |word: &&str| word.len() > 80 && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_')));
        let found: Vec<String> = words.filter(is_sealed).map(str::to_owned).collect();
        for one in found {
            if !self.0.contains(&one) {
                self.0.push(one);
            }
        }
        let numbered = self.0.iter().enumerate();
        numbered.fold(text.to_owned(), |text, (at, one)| text.replace(one.as_str(), &format!("<sealed {}>", at + 1)))
    }
}
