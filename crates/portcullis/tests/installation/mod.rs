//! An installation in a directory of its own, and the real binary in it.

#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use crypto::AgentKey;
use http::{HeaderMap, HeaderValue, Method, header};
use model::{Clock, SystemClock};
use net::{WebClient, WebResponse};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);
pub const PUBLIC: &str = "http://localhost:8420";

/// An installation in a directory of its own.
pub struct Installation {
    directory: TempDir,
}

/// What a process that ended left behind.
pub struct Ended {
    pub status: Option<i32>,
    /// Both streams.
    pub said: String,
    pub printed: String,
    pub complained: String,
}

impl Installation {
    /// Listens on any port and keeps its state in `data`.
    pub fn new(more: &str) -> Self {
        Self::of(&format!("public_url: {PUBLIC}\nlisten: 127.0.0.1:0\nstore: sqlite:./data\ndata_dir: ./data\n{more}"))
    }

    pub fn of(yaml: &str) -> Self {
        let directory = TempDir::new().unwrap();
        fs::write(directory.path().join("portcullis.yaml"), yaml).unwrap();
        Self { directory }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command.args(args).current_dir(self.directory.path()).env_clear();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn start(&self, args: &[&str]) -> Child {
        self.command(args).spawn().unwrap()
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Ended {
        self.run_with(args, &[])
    }

    /// Runs a command to its end, with these variables in its environment.
    pub fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Ended {
        let mut command = self.command(args);
        command.envs(variables.iter().copied());
        let mut child = command.spawn().unwrap();
        let (out, err) = (all_of(child.stdout.take().unwrap()), all_of(child.stderr.take().unwrap()));
        let status = ended(&mut child);
        let (printed, complained) = (out.join().unwrap(), err.join().unwrap());
        Ended { status, said: format!("{printed}{complained}"), printed, complained }
    }

    /// Tries to serve; what it says about why it can not, with status 2.
    #[track_caller]
    pub fn refuses_to_serve(&self) -> String {
        let Ended { status, said, .. } = self.run(&["serve"]);
        assert_eq!(status, Some(2), "{said}");
        let error = said.lines().find(|line| line.starts_with("error: ")).expect(&said);
        assert!(!said.contains("panicked") && !said.contains("fault in the program"), "{said}");
        error.to_owned()
    }

    pub fn serve(&self) -> Serving {
        let mut child = self.start(&["serve"]);
        let (tell, log) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        let mut serving = Serving { child, log, address: String::new(), web: WebClient::new(None).unwrap() };
        serving.address = serving.event("serving")["listen"].as_str().unwrap().to_owned();
        serving
    }
}

fn all_of(mut stream: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        stream.read_to_string(&mut text).map(|_| text).unwrap()
    })
}

/// The status of a process that ends by itself.
#[track_caller]
fn ended(child: &mut Child) -> Option<i32> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if begun.elapsed() > LONG {
            child.kill().unwrap();
            panic!("it did not end");
        }
        thread::park_timeout(Duration::from_millis(5));
    }
}

/// A process that serves.
pub struct Serving {
    child: Child,
    log: mpsc::Receiver<String>,
    pub address: String,
    pub web: WebClient,
}

impl Serving {
    /// The next record of this event in the log.
    #[track_caller]
    pub fn event(&self, event: &str) -> Value {
        loop {
            let line = self.log.recv_timeout(LONG).unwrap_or_else(|_| panic!("no `{event}` in the log"));
            match serde_json::from_str::<Value>(&line) {
                Ok(record) if record["event"] == event => return record,
                Ok(_) => {}
                Err(_) => panic!("{line}"),
            }
        }
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> WebResponse {
        let mut all = HeaderMap::new();
        all.insert(header::HOST, HeaderValue::from_static("localhost:8420"));
        for (name, value) in headers {
            all.insert(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
        }
        self.web.request(method, &format!("http://{}{path}", self.address), all, body).await.unwrap()
    }

    /// A token of the agent `nightly` for `server`, at its baseline.
    pub async fn token(&self, key: &AgentKey, server: &str) -> String {
        let assertion = key.sign_assertion("nightly", PUBLIC, SystemClock.now()).unwrap();
        let form = format!(
            "grant_type=client_credentials&client_id=nightly&client_assertion={assertion}&scope={server}:low\
             &client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&resource={PUBLIC}/mcp/{server}"
        );
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let answer = self.send(Method::POST, "/oauth/token", &kind, form).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json().unwrap()["access_token"].as_str().unwrap().to_owned()
    }

    /// The answer to a call of `tool`.
    pub async fn call(&self, server: &str, token: &str, tool: &str) -> WebResponse {
        let arguments = json!({"name": tool, "arguments": {}, "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }});
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": arguments});
        let headers = [
            ("authorization", format!("Bearer {token}")),
            ("content-type", "application/json".to_owned()),
            ("accept", "application/json, text/event-stream".to_owned()),
            ("mcp-protocol-version", "2026-07-28".to_owned()),
            ("mcp-method", "tools/call".to_owned()),
            ("mcp-name", tool.to_owned()),
        ];
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.send(Method::POST, &format!("/mcp/{server}"), &headers, body.to_string()).await
    }

    /// The status with which it ends by itself.
    pub fn ends(mut self) -> Option<i32> {
        ended(&mut self.child)
    }

    /// Ends it at once, whatever it is doing.
    pub fn kill(&self) {
        let killed = Command::new("sh").args(["-c", &format!("kill -KILL {}", self.child.id())]).status();
        assert!(killed.unwrap().success());
    }

    /// Asks it to stop as a supervisor does; the status it ends with.
    pub fn terminate(mut self) -> Option<i32> {
        let asked = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status();
        assert!(asked.unwrap().success());
        ended(&mut self.child)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
