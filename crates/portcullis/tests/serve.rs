//! The binary from outside: how it starts, how it refuses to, and how it ends.

#![allow(clippy::unwrap_used)]

use std::{
    fs::{self, Permissions},
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use http::{HeaderMap, HeaderValue, Method, header};
use model::{Clock, SystemClock};
use net::{WebClient, WebResponse};
use serde_json::{Value, json};
use tempfile::TempDir;
use token::AgentKey;

/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);
const PUBLIC: &str = "http://localhost:8420";

/// An installation in a directory of its own.
struct Installation {
    directory: TempDir,
}

/// What a process that ended left behind.
struct Ended {
    status: Option<i32>,
    said: String,
}

impl Installation {
    /// Listens on any port and keeps its state in `data`.
    fn new(more: &str) -> Self {
        Self::of(&format!("public_url: {PUBLIC}\nlisten: 127.0.0.1:0\nstore: sqlite:./data\ndata_dir: ./data\n{more}"))
    }

    fn of(yaml: &str) -> Self {
        let directory = TempDir::new().unwrap();
        fs::write(directory.path().join("portcullis.yaml"), yaml).unwrap();
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn start(&self, args: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_portcullis"))
            .args(args)
            .current_dir(self.directory.path())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs a command to its end.
    fn run(&self, args: &[&str]) -> Ended {
        let mut child = self.start(args);
        let (out, err) = (all_of(child.stdout.take().unwrap()), all_of(child.stderr.take().unwrap()));
        let status = ended(&mut child);
        Ended { status, said: out.join().unwrap() + &err.join().unwrap() }
    }

    /// Tries to serve; what it says about why it can not, with status 2.
    #[track_caller]
    fn refuses_to_serve(&self) -> String {
        let Ended { status, said } = self.run(&["serve"]);
        assert_eq!(status, Some(2), "{said}");
        let error = said.lines().find(|line| line.starts_with("error: ")).expect(&said);
        assert!(!said.contains("panicked") && !said.contains("fault in the program"), "{said}");
        error.to_owned()
    }

    fn serve(&self) -> Serving {
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
struct Serving {
    child: Child,
    log: mpsc::Receiver<String>,
    address: String,
    web: WebClient,
}

impl Serving {
    /// The next record of this event in the log.
    #[track_caller]
    fn event(&self, event: &str) -> Value {
        loop {
            let line = self.log.recv_timeout(LONG).unwrap_or_else(|_| panic!("no `{event}` in the log"));
            match serde_json::from_str::<Value>(&line) {
                Ok(record) if record["event"] == event => return record,
                Ok(_) => {}
                Err(_) => panic!("{line}"),
            }
        }
    }

    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> WebResponse {
        let mut all = HeaderMap::new();
        all.insert(header::HOST, HeaderValue::from_static("localhost:8420"));
        for (name, value) in headers {
            all.insert(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
        }
        self.web.request(method, &format!("http://{}{path}", self.address), all, body).await.unwrap()
    }

    /// A token of the agent `nightly` for `server`, at its baseline.
    async fn token(&self, key: &AgentKey, server: &str) -> String {
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
    async fn call(&self, server: &str, token: &str, tool: &str) -> WebResponse {
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

    /// Asks it to stop as a supervisor does; the status it ends with.
    fn terminate(mut self) -> Option<i32> {
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

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = Installation::of(&format!("public_url: {PUBLIC}\nlisten: {address}\n")).refuses_to_serve();
    assert!(error.contains(&address.to_string()) && error.contains("in use"), "{error}");
}

#[test]
fn a_master_key_that_others_can_read_is_not_used() {
    let installation = Installation::new("");
    let key = installation.path("data/master.key");
    fs::create_dir(installation.path("data")).unwrap();
    fs::write(&key, [7; 32]).unwrap();
    for mode in [0o644, 0o640, 0o604, 0o660] {
        fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
        let error = installation.refuses_to_serve();
        assert!(error.contains("master.key") && error.contains("chmod 600"), "{mode:o}: {error}");
    }
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    fs::write(&key, [7; 31]).unwrap();
    let error = installation.refuses_to_serve();
    assert!(error.contains("master.key"), "too short: {error}");
}

#[test]
fn a_data_directory_that_is_none_is_named() {
    let installation = Installation::new("");
    fs::write(installation.path("data"), "a file").unwrap();
    let error = installation.refuses_to_serve();
    assert!(error.contains("data") && error.contains("directory"), "{error}");
}

#[test]
fn another_key_does_not_open_an_installation() {
    let installation = Installation::new("");
    assert_eq!(installation.serve().terminate(), Some(0));
    fs::write(installation.path("data/master.key"), [7; 32]).unwrap();
    let error = installation.refuses_to_serve();
    assert!(error.contains("key"), "{error}");
}

#[test]
fn files_of_tls_that_can_not_be_used_are_named() {
    let installation = Installation::new("tls: { certificate_file: ./cert.pem, key_file: ./key.pem }\n");
    let error = installation.refuses_to_serve();
    assert!(error.contains("tls") && error.contains("cert.pem"), "{error}");
    fs::write(installation.path("cert.pem"), "no certificate").unwrap();
    let error = installation.refuses_to_serve();
    assert!(error.contains("key.pem"), "{error}");
    fs::write(installation.path("key.pem"), "no key").unwrap();
    let error = installation.refuses_to_serve();
    assert!(error.contains("certificate"), "{error}");
}

#[test]
fn a_mistake_in_the_file_is_named_with_its_line() {
    for (more, line, word) in [
        ("servers:\n  a:\n    uri: http://127.0.0.1:1/mcp\n", 7, "uri"),
        ("colour: red\n", 5, "colour"),
        ("limits: [1]\n", 5, "table"),
        ("people:\n  ada: { name: [ }\n", 6, ""),
    ] {
        let error = Installation::new(more).refuses_to_serve();
        assert!(error.contains(&format!("portcullis.yaml:{line}:")) && error.contains(word), "{more}\n{error}");
    }
    let nowhere = Installation::new("").run(&["serve", "--config", "elsewhere.yaml"]);
    assert_eq!(nowhere.status, Some(2));
    assert!(nowhere.said.contains("elsewhere.yaml") && nowhere.said.contains("portcullis init"), "{}", nowhere.said);
}

#[test]
fn a_database_that_does_not_answer_is_named_without_its_password() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for place in [closed, silent.local_addr().unwrap()] {
        let url = format!("postgres://keeper:hunter2@{place}/gate");
        let installation = Installation::of(&format!("public_url: {PUBLIC}\nlisten: 127.0.0.1:0\nstore: {url}\n"));
        let error = installation.refuses_to_serve();
        assert!(error.contains(&place.to_string()) && error.contains("database"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_answers_502_and_the_others_are_served() {
    let down = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let tickets = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let up = tickets.local_addr().unwrap();
    tokio::spawn(tickets::serve(tickets));
    let key = AgentKey::generate();
    let installation = Installation::new(&format!(
        "people: {{ ada: {{ name: Ada }} }}\n\
         agents: {{ nightly: {{ owner: ada, purpose: tests, servers: [up, down], public_key: {} }} }}\n\
         servers:\n\
         \x20 up: {{ url: \"http://{up}/mcp\", tools: {{ list_tickets: low }} }}\n\
         \x20 down: {{ url: \"http://{down}/mcp\", tools: {{ list_tickets: low }} }}\n",
        key.public_jwk()
    ));
    let serving = installation.serve();
    assert_eq!(serving.event("upstream_unreachable")["server"], "down");
    let token = serving.token(&key, "down").await;
    let answer = serving.call("down", &token, "list_tickets").await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert!(!answer.text().contains(&down.to_string()), "{}", answer.text());
    let token = serving.token(&key, "up").await;
    let answer = serving.call("up", &token, "list_tickets").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains("result"), "{}", answer.text());
    assert_eq!(serving.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_asked_to_stop_ends_well() {
    let installation = Installation::new("");
    for _ in 0..2 {
        let serving = installation.serve();
        assert_eq!(serving.send(Method::GET, "/healthz", &[], String::new()).await.status, 200);
        assert_eq!(serving.terminate(), Some(0), "with an idle connection open");
    }
    let verified = installation.run(&["audit", "verify"]);
    assert_eq!(verified.status, Some(0), "{}", verified.said);
}

/// The commands under `path` as its help lists them.
fn listed(installation: &Installation, path: &[&str]) -> Vec<String> {
    let help = installation.run(&[path, &["--help"]].concat());
    assert_eq!(help.status, Some(0), "{path:?}\n{}", help.said);
    let commands = help.said.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = commands.take_while(|line| !line.is_empty()).filter_map(|line| {
        // What a command is for may go on in further, deeper lines.
        let line = line.strip_prefix("  ").filter(|line| !line.starts_with(' '))?;
        line.split_whitespace().next()
    });
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_command_that_help_lists_runs() {
    let installation = Installation::new("");
    let endless = ["serve", "demo"];
    let mut ran = 0;
    let mut left: Vec<Vec<String>> = listed(&installation, &[]).into_iter().map(|name| vec![name]).collect();
    while let Some(path) = left.pop() {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let below = listed(&installation, &path);
        left.extend(below.iter().map(|name| path.iter().map(ToString::to_string).chain([name.clone()]).collect()));
        if !below.is_empty() || endless.contains(&path[0]) {
            continue;
        }
        let Ended { status, said } = installation.run(&path);
        assert!(matches!(status, Some(0..=2)), "{path:?} ended with {status:?}\n{said}");
        for word in ["panicked", "fault in the program", "not implemented", "not yet"] {
            assert!(!said.contains(word), "{path:?}\n{said}");
        }
        // Status 2 without a word about what is missing is no answer.
        assert!(status != Some(2) || said.contains("error:"), "{path:?}\n{said}");
        ran += 1;
    }
    assert!(ran > 20, "{ran}");
}
