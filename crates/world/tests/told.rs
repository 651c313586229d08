//! People outside are told: signed, once, whoever of two nodes does it, and also after a kill.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

use std::{
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use portcullis_world::{Portcullis, World, WorldConfig, on_postgres};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What a receiver got, with the status that it answered.
#[derive(Clone, Debug)]
struct Got {
    id: String,
    time: String,
    signature: String,
    body: String,
    status: u16,
}

/// A receiver that takes nothing `failures` times, and then everything.
#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<Vec<Got>>>);

impl Receiver {
    fn serve(&self, listener: TcpListener, failures: usize) {
        let kept = self.0.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (mut text, mut part) = (String::new(), [0; 4096]);
                while !is_whole(&text) {
                    match stream.read(&mut part).await {
                        Ok(read) if read > 0 => text.push_str(&String::from_utf8_lossy(&part[..read])),
                        _ => break,
                    }
                }
                let Some((head, body)) = text.split_once("\r\n\r\n").filter(|_| is_whole(&text)) else { continue };
                let status = if kept.lock().unwrap().len() < failures { 503 } else { 204 };
                let of = |name: &str| header(head, name).unwrap_or_default().to_owned();
                let (id, time, signature) = (of("webhook-id"), of("webhook-timestamp"), of("webhook-signature"));
                kept.lock().unwrap().push(Got { id, time, signature, body: body.to_owned(), status });
                let _ = stream.write_all(format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n").as_bytes()).await;
            }
        });
    }

    fn got(&self) -> Vec<Got> {
        self.0.lock().unwrap().clone()
    }

    /// Waits until so many messages were taken.
    async fn taken(&self, count: usize) -> Vec<Got> {
        for _ in 0..600 {
            let taken: Vec<Got> = self.got().into_iter().filter(|got| got.status == 204).collect();
            if taken.len() >= count {
                return taken;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("only {:?}", self.got());
    }
}

fn is_whole(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    header(head, "content-length")
        .and_then(|length| length.parse().ok())
        .is_some_and(|length: usize| body.len() >= length)
}

fn header<'t>(head: &'t str, name: &str) -> Option<&'t str> {
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn told(config: WorldConfig, url: &str) -> WorldConfig {
    let extra = format!(
        "notify:\n  exempt_hosts: [127.0.0.1]\n  webhooks:\n    ops: {{ url: \"{url}/hook\", secret: {SECRET} }}\n"
    );
    WorldConfig { extra, ..config }
}

/// By the standard library of another language, as a receiver would.
///
/// Spec: Standard Webhooks (signature scheme)
fn is_signed(got: &Got) -> bool {
    const CHECK: &str = "import sys, hmac, hashlib, base64, os\n\
        key = base64.b64decode(os.environ['SECRET'].removeprefix('whsec_'))\n\
        tag = hmac.new(key, os.environ['SIGNED'].encode(), hashlib.sha256).digest()\n\
        sys.exit(0 if 'v1,' + base64.b64encode(tag).decode() in os.environ['SIGNATURE'].split(' ') else 1)";
    let signed = format!("{}.{}.{}", got.id, got.time, got.body);
    let mut python = Command::new("python3");
    python.args(["-c", CHECK]).env("SECRET", SECRET).env("SIGNED", signed).env("SIGNATURE", &got.signature);
    python.stdin(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Field: W1
#[tokio::test]
async fn two_nodes_on_postgresql_tell_once_a_receiver_that_fails_twice() {
    on_postgres("told", two_nodes).await;
}

#[tokio::test]
async fn two_nodes_on_sqlite_tell_once_a_receiver_that_fails_twice() {
    two_nodes(WorldConfig::default()).await;
}

async fn two_nodes(config: WorldConfig) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let receiver = Receiver::default();
    receiver.serve(listener, 2);
    let world = World::start_with(told(config, &url)).await;
    let _node = world.another_node().await;
    world.run(&["agent", "suspend", "weekly"]).await.succeeded();
    let taken = receiver.taken(1).await;
    // Whoever is second had its chance.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let got = receiver.got();
    assert_eq!(got.len(), 3, "twice in vain and once for good: {got:?}");
    assert!(got.iter().all(|one| one.id == taken[0].id && is_signed(one)), "{got:?}");
    let body: Value = serde_json::from_str(&taken[0].body).unwrap();
    assert_eq!((&body["type"], &body["data"]["agent"]), (&json!("agent_stopped"), &json!("weekly")));
    let listed = world.run(&["notify", "list", "--json"]).await.succeeded();
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!((&listed[0]["state"], &listed[0]["waiting"]), (&json!("ok"), &json!(0)), "{listed}");
}

/// Field: W2
#[tokio::test]
async fn what_was_committed_before_a_kill_is_told_after_it_and_a_call_left_behind_tells_nobody() {
    // Nobody is there yet.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut world = World::start_with(told(WorldConfig::default(), &format!("http://{address}"))).await;
    let token = world.agent_token("tickets").await.expect("a token");
    let refused = world.raw("tickets", &token).call("delete_ticket", json!({"id": "T-1041"})).await;
    assert_eq!(refused.status, 403);
    let waiting = async |world: &World| {
        let listed = world.run(&["notify", "list", "--json"]).await.succeeded();
        serde_json::from_str::<Value>(&listed).unwrap()[0]["waiting"].as_u64().unwrap()
    };
    assert_eq!(waiting(&world).await, 0, "a call that was refused is nobody's business yet");
    let pending = world.agent_asks("tickets", "tickets.delete_ticket").await.expect("an answer");
    let elevation = pending["elevation_id"].as_str().expect("an elevation to approve").to_owned();
    world.portcullis.kill();
    assert_eq!(waiting(&world).await, 1);
    let said = world.run(&["notify", "test", "ops"]).await;
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    assert!(said.stdout.contains("unreachable") && !said.stdout.contains("/hook"), "{said:?}");

    let receiver = Receiver::default();
    receiver.serve(TcpListener::bind(address).await.unwrap(), 0);
    world.portcullis = Portcullis::serve(&world.config_file(), world.url()).await;
    let taken = receiver.taken(1).await;
    let body: Value = serde_json::from_str(&taken[0].body).unwrap();
    assert_eq!((&body["type"], &body["data"]["elevation"]), (&json!("approval_requested"), &json!(elevation)));
    assert!(body["data"]["link"].as_str().unwrap().ends_with(&format!("/console/approvals/{elevation}")));
    assert!(!taken[0].body.contains("T-1041"), "no argument leaves: {}", taken[0].body);
    assert!(is_signed(&taken[0]));
    world.run(&["notify", "test", "ops"]).await.succeeded();
    assert_eq!(receiver.taken(2).await.len(), 2);
    assert!(!world.portcullis.log().contains("MfKQ9r8") && !world.portcullis.log().contains("/hook"));
}
