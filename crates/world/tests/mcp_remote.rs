//! `mcp-remote`, the bridge with which clients that speak over stdio reach a server over HTTP, in each way of being told.

use std::{path::PathBuf, process::Stdio, time::Duration};

use portcullis_world::{World, WorldConfig, skipped};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
};

/// A running bridge, with the client's end of its stdio.
struct Bridge {
    _child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: Lines<BufReader<ChildStderr>>,
    _home: tempfile::TempDir,
    id: u64,
}

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

impl Bridge {
    fn start(world: &World) -> Option<Self> {
        let wanted = |name: &str| std::env::var_os(name).ok_or_else(|| skipped(&format!("{name} is not set")));
        let modules = PathBuf::from(wanted("PORTCULLIS_TEST_NODE_MODULES").ok()?);
        let node = std::env::var_os("PORTCULLIS_TEST_NODE").unwrap_or_else(|| "node".into());
        let home = tempfile::tempdir().expect("a temporary directory");
        let port =
            std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port").local_addr().expect("one").port();
        let mut child = Command::new(node)
            .arg(modules.join("mcp-remote/dist/proxy.js"))
            .args([world.mcp("tickets"), port.to_string(), "--allow-http".into()])
            .args(["--static-oauth-client-info", r#"{"client_id":"bridge"}"#])
            .env("MCP_REMOTE_CONFIG_DIR", home.path())
            // It opens a browser by itself; here somebody else's is used.
            .env("PATH", home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node");
        let stdin = child.stdin.take().expect("a piped stdin");
        let stdout = BufReader::new(child.stdout.take().expect("a piped stdout")).lines();
        let stderr = BufReader::new(child.stderr.take().expect("a piped stderr")).lines();
        Some(Self { _child: child, stdin, stdout, stderr, _home: home, id: 0 })
    }

    /// The address that it tells its person to open.
    async fn authorize(&mut self) -> String {
        let said = async {
            while let Some(line) = self.stderr.next_line().await.expect("UTF-8") {
                if let Some(at) = line.find("http").filter(|_| line.contains("/oauth/authorize")) {
                    return line[at..].trim().to_owned();
                }
            }
            panic!("it ended without asking for a browser")
        };
        tokio::time::timeout(PATIENCE, said).await.expect("it asks for a browser")
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params).await;
        self.answer(id).await
    }

    async fn begin(&mut self, method: &str, params: Value) -> u64 {
        self.id += 1;
        let id = self.id;
        self.tell(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await;
        id
    }

    async fn answer(&mut self, id: u64) -> Value {
        let answer = async {
            loop {
                let line = self.stdout.next_line().await.expect("UTF-8").expect("it is still there");
                let message: Value = serde_json::from_str(&line).expect("JSON");
                if message["id"] == id && message.get("method").is_none() {
                    return message;
                }
            }
        };
        tokio::time::timeout(PATIENCE, answer).await.expect("it answers")
    }

    async fn tell(&mut self, message: Value) {
        self.stdin.write_all(format!("{message}\n").as_bytes()).await.expect("it listens");
    }

    async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({"name": tool, "arguments": arguments})).await
    }
}

/// A world in which the bridge is registered, and told in this way; and the bridge, connected for ada.
async fn connected(style: &str) -> Option<(World, Bridge)> {
    let clients = format!(
        "  registered:\n    bridge:\n      name: Bridge\n      redirect_uris: [\"http://localhost/oauth/callback\", \"http://127.0.0.1/oauth/callback\"]\n  challenge: {{ bridge: {style} }}\n"
    );
    let world = World::start_with(WorldConfig { clients, ..WorldConfig::default() }).await;
    let mut bridge = Bridge::start(&world)?;
    let authorize = bridge.authorize().await;
    let callback = world.person("ada").allow(&authorize).await;
    world.visit(callback.as_str()).await.expect("the bridge listens for the browser");
    let params =
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "desk", "version": "1"}});
    let answer = bridge.ask("initialize", params).await;
    assert!(answer["result"]["protocolVersion"].is_string(), "{answer}");
    bridge.tell(json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
    let answer = bridge.call("get_ticket", json!({"id": "T-1041"})).await;
    assert_ne!(answer["result"]["isError"], true, "{answer}");
    assert!(answer["result"]["content"].is_array(), "{answer}");
    Some((world, bridge))
}

#[tokio::test]
async fn told_by_results_it_hands_them_on_and_the_same_call_works_afterwards() {
    let Some((world, mut bridge)) = connected("tool_error").await else { return };
    let refused = bridge.call("delete_ticket", json!({"id": "T-1041"})).await;
    assert_eq!(refused["result"]["isError"], true, "{refused}");
    let text = refused["result"]["content"][0]["text"].as_str().expect("words");
    let page = text.split_whitespace().find(|word| word.contains("/me/asked/")).expect("an address");
    world.person("ada").ask_at(page, "a duplicate").await;
    world.person("bob").approve("delete_ticket").await;
    let done = bridge.call("delete_ticket", json!({"id": "T-1041"})).await;
    assert_ne!(done["result"]["isError"], true, "{done}");
    let again = bridge.call("delete_ticket", json!({"id": "T-1041"})).await;
    assert_eq!(again["result"]["isError"], true, "{again}");
}

/// It asks for a browser inside of the call, and makes the call again.
#[tokio::test]
async fn told_by_the_status_it_sends_its_person_to_the_browser() {
    for style in ["http", "both"] {
        let Some((world, mut bridge)) = connected(style).await else { return };
        let call = json!({"name": "delete_ticket", "arguments": {"id": "T-1041"}});
        let id = bridge.begin("tools/call", call).await;
        let authorize = bridge.authorize().await;
        let mut ada = world.person("ada");
        let waiting = ada.ask_for(&authorize, "a duplicate").await;
        world.person("bob").approve("delete_ticket").await;
        world.visit(ada.wait(waiting).await.as_str()).await.expect("the bridge listens for the browser");
        let done = bridge.answer(id).await;
        assert_eq!(done["result"]["isError"], false, "{style}: {done}");
    }
}
