//! Calls that were open when their node ended: each has an end on record, and one only.

#![allow(clippy::unwrap_used)]

mod installation;

use std::{
    io::Read,
    net::{TcpListener, TcpStream},
    pin::pin,
    sync::mpsc,
    thread,
    time::Duration,
};

use crypto::AgentKey;
use installation::Installation;
use serde_json::Value;

/// A server that takes calls and never answers; it says when one came.
fn silent_server() -> (u16, mpsc::Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (came, calls) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut stream = stream;
            let came = came.clone();
            thread::spawn(move || {
                let mut head = [0; 2048];
                let read = stream.read(&mut head).unwrap_or(0);
                if String::from_utf8_lossy(&head[..read]).contains("tools/call") {
                    let _ = came.send(stream);
                }
            });
        }
    });
    (port, calls)
}

fn installation(port: u16, key: &AgentKey) -> Installation {
    Installation::new(&format!(
        "servers: {{tickets: {{url: 'http://127.0.0.1:{port}/mcp', tools: {{'get_*': low}}, definitions: unpinned}}}}\npeople: {{ada: {{}}}}\n\
         agents: {{nightly: {{owner: ada, purpose: to test, servers: [tickets], public_key: {}}}}}\n",
        key.public_jwk()
    ))
}

/// The records of intents and ends, as `event request done`.
fn calls_on_record(installation: &Installation) -> (Vec<String>, Vec<(String, String)>) {
    let said = installation.run(&["--json", "audit", "tail", "--lines", "1000"]);
    assert_eq!(said.status, Some(0), "{}", said.said);
    let (mut begun, mut ended) = (Vec::new(), Vec::new());
    for line in said.printed.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let word = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        match record["event"].as_str() {
            Some("call_decided") => begun.push(word("request")),
            Some("call_ended") => ended.push((word("request"), word("done"))),
            _ => {}
        }
    }
    (begun, ended)
}

async fn until_all_are_ended(installation: &Installation) -> Vec<(String, String)> {
    for _ in 0..500 {
        let (begun, ended) = calls_on_record(installation);
        if begun.iter().all(|request| ended.iter().any(|(end, _)| end == request)) {
            assert_eq!(begun.len(), ended.len(), "each has one");
            return ended;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("calls without an end: {:?}", calls_on_record(installation));
}

/// Field: N14
#[tokio::test]
async fn the_calls_of_a_process_that_was_killed_have_an_end_after_its_next_start() {
    let ((port, calls), key) = (silent_server(), AgentKey::generate());
    let installation = installation(port, &key);
    let serving = installation.serve();
    let token = serving.token(&key, "tickets").await;
    let mut call = pin!(serving.call("tickets", &token, "get_ticket"));
    let arrived = tokio::task::spawn_blocking(move || calls.recv().unwrap());
    let held = tokio::select! {
        answer = &mut call => panic!("{}", answer.text()),
        arrived = arrived => arrived.unwrap(),
    };
    serving.kill();
    drop(held);
    let (begun, ended) = calls_on_record(&installation);
    assert_eq!((begun.len(), ended.len()), (1, 0));
    let serving = installation.serve();
    assert_eq!(until_all_are_ended(&installation).await[0].1, "unknown");
    assert_eq!(serving.terminate(), Some(0));
    let said = installation.run(&["audit", "verify"]);
    assert_eq!(said.status, Some(0), "{}", said.said);
}
