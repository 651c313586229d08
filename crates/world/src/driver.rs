//! An official SDK in a process of its own, driven by JSON lines.
//!
//! The process says `{"authorize": URL}` when its SDK wants a browser and goes on when it is told
//! `{"callback": URL}`. Everything else is one answer per command: `{"ok": …}` or `{"error": …}`.

use std::{path::PathBuf, process::Stdio, time::Duration};

use crypto::AgentKey;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::{Era, REDIRECT_URI, World};

/// How long an SDK may take for one step.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// An official SDK.
#[derive(Clone, Debug)]
pub enum Sdk {
    /// npm `@modelcontextprotocol/client`.
    TypeScript,
    /// PyPI `mcp`.
    Python,
    /// The crate `rmcp`; the driver is a binary of this crate, at this path.
    Rust(PathBuf),
}

/// What a driver said.
#[derive(Debug, PartialEq)]
pub enum Said {
    /// The SDK wants a person to open this URL.
    Authorize(String),
    /// The command succeeded, with this result.
    Done(Value),
    /// The command failed.
    Failed(Value),
}

impl Said {
    /// The result.
    ///
    /// # Panics
    /// When it is none.
    pub fn done(self) -> Value {
        match self {
            Self::Done(value) => value,
            other => panic!("expected a result, the driver said {other:?}"),
        }
    }

    /// The URL for the browser.
    ///
    /// # Panics
    /// When the SDK did not ask for one.
    pub fn authorize(self) -> String {
        match self {
            Self::Authorize(url) => url,
            other => panic!("expected to be asked for a browser, the driver said {other:?}"),
        }
    }

    /// The failure.
    ///
    /// # Panics
    /// When there is none.
    pub fn failed(self) -> Value {
        match self {
            Self::Failed(value) => value,
            other => panic!("expected a failure, the driver said {other:?}"),
        }
    }
}

/// A running client.
pub struct Driver {
    _child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
}

impl Sdk {
    /// The name of its metadata document.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::TypeScript => "typescript",
            Self::Python => "python",
            Self::Rust(_) => "rust",
        }
    }

    /// The command that runs its driver, or the reason there is none here.
    fn command(&self) -> Result<Command, String> {
        let drivers = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("drivers");
        let wanted = |name: &str| std::env::var_os(name).ok_or_else(|| format!("{name} is not set"));
        Ok(match self {
            Self::Rust(path) => Command::new(path),
            Self::Python => {
                let mut command = Command::new(wanted("PORTCULLIS_TEST_PYTHON")?);
                command.arg(drivers.join("python/driver.py"));
                command
            }
            Self::TypeScript => {
                wanted("PORTCULLIS_TEST_NODE_MODULES")?;
                let mut command =
                    Command::new(std::env::var_os("PORTCULLIS_TEST_NODE").unwrap_or_else(|| "node".into()));
                command.arg(drivers.join("typescript/driver.mjs"));
                command
            }
        })
    }
}

/// Says that a test did not run, and why: past the test runner, which hides what a test that passes prints.
pub fn skipped(why: &str) {
    use std::io::Write as _;
    // Nobody reads it where there is nothing to write to.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}; `cargo xtask test` installs what is missing");
}

impl Driver {
    /// Starts a client for `tickets`; `None`, and a loud word, when what its SDK needs is not installed here.
    ///
    /// # Panics
    /// When it is installed and does not start.
    pub fn start(sdk: &Sdk, era: Era, world: &World) -> Option<Self> {
        Self::start_with((sdk, era, world), "tickets", None, false)
    }

    /// The same with tokens that are bound to a key, which the SDK proves at each request (DPoP).
    ///
    /// # Panics
    /// As [`Self::start`] does.
    pub fn start_proving(sdk: &Sdk, era: Era, world: &World) -> Option<Self> {
        Self::start_with((sdk, era, world), "tickets", None, true)
    }

    /// An autonomous agent whose tokens are bound to a key besides the one by which it authenticates.
    ///
    /// # Panics
    /// As [`Self::start_agent`] does.
    pub fn start_agent_proving(sdk: &Sdk, era: Era, world: &World, agent: &str) -> Option<Self> {
        Self::start_with((sdk, era, world), "tickets", Some(agent), true)
    }

    /// Starts an autonomous agent, which has a key and no browser.
    ///
    /// # Panics
    /// When what its SDK needs is installed and it does not start, or when there is no such agent.
    pub fn start_agent(sdk: &Sdk, era: Era, world: &World, agent: &str) -> Option<Self> {
        Self::start_with((sdk, era, world), "tickets", Some(agent), false)
    }

    /// Starts an autonomous agent as a client of another server than `tickets`.
    ///
    /// # Panics
    /// As [`Self::start_agent`] does.
    pub fn start_agent_at(server: &str, sdk: &Sdk, era: Era, world: &World, agent: &str) -> Option<Self> {
        Self::start_with((sdk, era, world), server, Some(agent), false)
    }

    /// Starts the TypeScript client `portal` of an enterprise, which gets its tokens by the word that `idp` gives of `subject`.
    ///
    /// # Panics
    /// When what its SDK needs is installed and it does not start.
    pub fn start_enterprise(era: Era, world: &World, (idp, key): (&str, &AgentKey), subject: &str) -> Option<Self> {
        let setup = json!({
            "url": world.mcp("tickets"), "era": era.revision(), "issuer": world.url(),
            "enterprise": {"idp": idp, "subject": subject, "client_id": "portal", "secret": "portal-secret-0123456789"},
        });
        Self::spawn(&Sdk::TypeScript, &setup, Some(("PORTCULLIS_IDP_KEY", key)))
    }

    fn start_with(
        (sdk, era, world): (&Sdk, Era, &World),
        server: &str,
        agent: Option<&str>,
        proves_key: bool,
    ) -> Option<Self> {
        let setup = json!({
            "url": world.mcp(server),
            "client_id": world.documents.client_id(sdk.name()),
            "redirect_uri": REDIRECT_URI,
            "era": era.revision(),
            "issuer": world.url(),
            "agent": agent,
            "proves_key": proves_key,
        });
        Self::spawn(sdk, &setup, agent.map(|agent| ("PORTCULLIS_AGENT_KEY", world.key_of(agent))))
    }

    fn spawn(sdk: &Sdk, setup: &Value, key: Option<(&str, &AgentKey)>) -> Option<Self> {
        let mut command = sdk.command().map_err(|why| skipped(&why)).ok()?;
        if let Some((name, key)) = key {
            command.env(name, key.to_pkcs8_pem().as_str());
        }
        command.arg(setup.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("the {} driver: {error}", sdk.name()));
        let stdin = child.stdin.take().expect("a piped stdin");
        let stdout = child.stdout.take().expect("a piped stdout");
        Some(Self { _child: child, stdin, stdout: BufReader::new(stdout).lines() })
    }

    /// Connects: handshake or discovery, whatever the era has.
    pub async fn connect(&mut self) -> Said {
        self.tell(json!({"do": "connect"})).await
    }

    /// Lists the tools.
    pub async fn list(&mut self) -> Said {
        self.tell(json!({"do": "list"})).await
    }

    /// Calls a tool.
    pub async fn call(&mut self, tool: &str, arguments: Value) -> Said {
        self.tell(json!({"do": "call", "name": tool, "arguments": arguments})).await
    }

    /// Asks for the answer of a call that was begun elsewhere, by the id of an event of its stream.
    pub async fn resume(&mut self, event: &str, tool: &str, arguments: Value) -> Said {
        self.tell(json!({"do": "resume", "event": event, "name": tool, "arguments": arguments})).await
    }

    /// Calls a tool several times at once.
    pub async fn calls(&mut self, times: u32, tool: &str, arguments: Value) -> Said {
        self.tell(json!({"do": "calls", "times": times, "name": tool, "arguments": arguments})).await
    }

    /// The tokens that the SDK keeps, and the thumbprint of its key.
    pub async fn tokens(&mut self) -> Said {
        self.tell(json!({"do": "tokens"})).await
    }

    /// Brings the answer of the browser back to the SDK.
    pub async fn callback(&mut self, url: url::Url) -> Said {
        self.tell(json!({"callback": url})).await
    }

    async fn tell(&mut self, line: Value) -> Said {
        self.stdin.write_all(format!("{line}\n").as_bytes()).await.expect("the driver listens");
        let line = tokio::time::timeout(ANSWER_WITHIN, self.stdout.next_line()).await;
        let line = line.expect("the driver answers in time").expect("the driver writes UTF-8");
        let line = line.expect("the driver is still there");
        let mut said: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("the driver said {line}"));
        match said["authorize"].take() {
            Value::String(url) => Said::Authorize(url),
            _ if said.get("error").is_some() => Said::Failed(said),
            _ => Said::Done(said["ok"].take()),
        }
    }
}
