//! Everything a test needs, started from nothing on free ports.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::Context as _;
use model::{Clock as _, SystemClock};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    task::{AbortHandle, JoinHandle},
};

use crate::{Documents, Finished, Person, Portcullis, Raw, WorldConfig, config};

/// The two protocol eras a client may speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// 2026-07-28: every request stands alone.
    Stateless,
    /// 2025-11-25: a handshake, then a session.
    Session,
}

impl Era {
    /// The revision that stands for the era.
    pub const fn revision(self) -> &'static str {
        match self {
            Self::Stateless => "2026-07-28",
            Self::Session => "2025-11-25",
        }
    }
}

/// The real product before a real server, with people and clients around it.
///
/// People: `ada` works and has no role, `bob` approves, `root` administers. `nightly` and `weekly` are
/// autonomous agents of Ada's.
pub struct World {
    /// The running product.
    pub portcullis: Portcullis,
    /// The host of the clients' metadata documents.
    pub documents: Documents,
    /// The keys of the autonomous agents.
    keys: [(&'static str, crypto::AgentKey); 2],
    url: String,
    _tickets: Running,
    directory: TempDir,
}

/// A further process that serves the same installation.
pub struct Node {
    /// The process.
    pub portcullis: Portcullis,
    address: String,
}

impl Node {
    /// Where this process listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where its configuration file says that its data is.
    pub fn data_dir(&self) -> PathBuf {
        data_dir(self.portcullis.config())
    }

    /// A client that speaks to this node.
    pub fn raw(&self, server: &str, token: &str) -> Raw {
        Raw::at(format!("http://{}/mcp/{server}", self.address), token)
    }
}

/// A task that ends with the world.
struct Running(AbortHandle);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T> From<JoinHandle<T>> for Running {
    fn from(task: JoinHandle<T>) -> Self {
        Self(task.abort_handle())
    }
}

impl World {
    /// The usual world.
    pub async fn start() -> Self {
        Self::start_with(WorldConfig::default()).await
    }

    /// A world with more in its configuration.
    ///
    /// # Panics
    /// When any part of it cannot start.
    pub async fn start_with(config: WorldConfig) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let usual = format!("http://{}{}", listener.local_addr().expect("an address"), tickets::PATH);
        let tickets_url = config.tickets.clone().unwrap_or(usual);
        let tickets = tokio::spawn(tickets::serve(listener));

        let documents = Documents::serve(directory.path(), &["typescript", "python", "rust", "other"]).await;
        let keys = ["nightly", "weekly"].map(|name| (name, crypto::AgentKey::generate()));
        let port = free_port().await;
        let url = format!("http://localhost:{port}");
        let yaml = config.yaml(
            &url,
            &format!("127.0.0.1:{port}"),
            &config.data_dir.clone().unwrap_or_else(|| directory.path().join("data")),
            &tickets_url,
            &documents,
            &keys,
        );
        let file = directory.path().join("portcullis.yaml");
        std::fs::write(&file, yaml).expect("a writable directory");
        let portcullis = Portcullis::serve(&file, &url).await;
        Self { portcullis, documents, keys, url, _tickets: tickets.into(), directory }
    }

    /// Starts a further process on the same store, with a port of its own.
    ///
    /// # Panics
    /// When it cannot start.
    pub async fn another_node(&self) -> Node {
        let (file, address) = self.another_file(&[]).await;
        Node { portcullis: Portcullis::serve(&file, &format!("http://{address}")).await, address }
    }

    /// Starts a process on another machine: with a data directory of its own, and its own way to the store.
    ///
    /// # Panics
    /// When it cannot start.
    pub async fn another_machine(&self, store: Option<&str>) -> Node {
        let (file, address) = self.elsewhere(store).await;
        Node { portcullis: Portcullis::serve(&file, &format!("http://{address}")).await, address }
    }

    /// The same with more in its environment, and without waiting until it is ready.
    ///
    /// # Panics
    /// When it cannot be run at all.
    pub async fn another_machine_with(&self, environment: &[(&str, String)]) -> Node {
        let (file, address) = self.elsewhere(None).await;
        Node { portcullis: Portcullis::begin(&file, environment), address }
    }

    async fn elsewhere(&self, store: Option<&str>) -> (PathBuf, String) {
        let machine = self.directory.path().join(format!("machine-{}", free_port().await));
        std::fs::create_dir(&machine).expect("a writable directory");
        std::fs::copy(self.data_dir().join("master.key"), machine.join("master.key")).expect("a master key");
        let mut lines = vec![("data_dir", machine.display().to_string())];
        lines.extend(store.map(|url| ("store", url.to_owned())));
        self.another_file(&lines).await
    }

    /// A configuration like the first, with another port and other `lines`; and where it listens.
    async fn another_file(&self, lines: &[(&str, String)]) -> (PathBuf, String) {
        let address = format!("127.0.0.1:{}", free_port().await);
        let listen = ("listen", format!("{address}\nextra_hosts: [\"{address}\"]"));
        let mut text = std::fs::read_to_string(self.config_file()).expect("the first node's configuration");
        for (key, value) in lines.iter().chain([&listen]) {
            let start = format!("{key}: ");
            let line = text.lines().find(|line| line.starts_with(&start)).expect("a line to replace");
            text = text.replace(&format!("{line}\n"), &format!("{start}{value}\n"));
        }
        let file = self.directory.path().join(format!("{}.yaml", address.replace(':', "-")));
        std::fs::write(&file, text).expect("a writable directory");
        (file, address)
    }

    /// The data directory of the first node.
    pub fn data_dir(&self) -> PathBuf {
        data_dir(&self.config_file())
    }

    /// Kills the process as a power cut would, and starts it again.
    ///
    /// # Panics
    /// When it does not come up again.
    pub async fn kill_and_restart(&mut self) {
        self.portcullis.kill();
        self.portcullis = Portcullis::serve(&self.config_file(), &self.url).await;
    }

    /// The configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.directory.path().join("portcullis.yaml")
    }

    /// `public_url`, the issuer.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A client that speaks to a server of this world.
    pub fn raw(&self, server: &str, token: &str) -> Raw {
        Raw::at(self.mcp(server), token)
    }

    /// The protected endpoint of a server.
    pub fn mcp(&self, server: &str) -> String {
        format!("{}/mcp/{server}", self.url)
    }

    /// The password of a person.
    pub fn password(&self, name: &str) -> String {
        config::password(name)
    }

    /// A person at a fresh browser.
    pub fn person(&self, name: &'static str) -> Person {
        Person::new(name, config::password(name), &self.url)
    }

    /// The key of the autonomous agent `name`.
    ///
    /// # Panics
    /// When there is no such agent.
    pub fn key_of(&self, name: &str) -> &crypto::AgentKey {
        self.keys.iter().find(|(known, _)| *known == name).map(|(_, key)| key).expect("a declared agent")
    }

    /// A token of `nightly` for a server, at its baseline: client credentials with `private_key_jwt`.
    ///
    /// # Errors
    /// When the token endpoint refuses.
    pub async fn agent_token(&self, server: &str) -> anyhow::Result<String> {
        self.token_of("nightly", server).await
    }

    /// The same for the autonomous agent `name`.
    ///
    /// # Errors
    /// When there is no such agent, or the token endpoint refuses.
    pub async fn token_of(&self, name: &str, server: &str) -> anyhow::Result<String> {
        let answer = self.asks(name, server, &format!("{server}:low")).await?;
        let token = answer["access_token"].as_str();
        token.map(str::to_owned).with_context(|| format!("the token endpoint answered {answer}"))
    }

    /// What the token endpoint answers `nightly` when it asks for `scope` on a server.
    ///
    /// # Errors
    /// When it does not answer with JSON.
    pub async fn agent_asks(&self, server: &str, scope: &str) -> anyhow::Result<Value> {
        self.asks("nightly", server, scope).await
    }

    /// What the token endpoint answers the autonomous agent `name` when it asks for `scope` on a server.
    ///
    /// # Errors
    /// When there is no such agent, or the answer is no JSON.
    pub async fn asks(&self, name: &str, server: &str, scope: &str) -> anyhow::Result<Value> {
        let (_, key) = self.keys.iter().find(|(known, _)| *known == name).context("no such agent")?;
        let assertion = key.sign_assertion(name, &self.url, SystemClock.now())?;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", name),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
            ("resource", &self.mcp(server)),
            ("scope", scope),
        ];
        let request = client()?.post(format!("{}/oauth/token", self.url)).form(&form);
        Ok(request.send().await?.json().await?)
    }

    /// Opens an address of somebody else's, as a browser that was sent there.
    ///
    /// # Errors
    /// When nobody answers there.
    pub async fn visit(&self, url: &str) -> anyhow::Result<()> {
        client()?.get(url).send().await?;
        Ok(())
    }

    /// Runs a command of the binary against this world's configuration.
    pub async fn run(&self, args: &[&str]) -> Finished {
        self.portcullis.run(args).await
    }
}

fn data_dir(config_file: &Path) -> PathBuf {
    let text = std::fs::read_to_string(config_file).expect("a configuration file");
    let line = text.lines().find_map(|line| line.strip_prefix("data_dir: "));
    line.expect("a line `data_dir`").into()
}

fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().no_proxy().build()
}

/// A port that nobody has, and that the system gives to nobody who asks for any: between this and the start of what it is
/// for, another test may connect somewhere.
pub(crate) async fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(97);
    loop {
        let next = first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = FIRST_PORT + (next % PORTS) as u16;
        if TcpListener::bind(("127.0.0.1", port)).await.is_ok() {
            return port;
        }
    }
}

/// Below those that connections begin at (32768 on Linux).
const FIRST_PORT: u16 = 20_000;
const PORTS: u32 = 12_000;
