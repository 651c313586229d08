//! The real binary, as a child process.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

/// How long the binary may take until `/readyz` says yes. Debug builds on a busy machine are slow.
const START_WITHIN: Duration = Duration::from_secs(60);

/// A running `portcullis serve`. It is killed when dropped.
pub struct Portcullis {
    child: Child,
    config: PathBuf,
    log: PathBuf,
}

/// A command that ended.
#[derive(Debug)]
pub struct Finished {
    /// Its exit status.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Finished {
    /// What it printed, given that it succeeded.
    ///
    /// # Panics
    /// When it failed.
    pub fn succeeded(self) -> String {
        assert!(self.status.success(), "the command failed: {self:?}");
        self.stdout
    }
}

impl Portcullis {
    /// Starts serving and waits until the doors are open.
    ///
    /// # Panics
    /// When it does not get there; the log is in the message.
    pub async fn serve(config: &Path, url: &str) -> Self {
        net::install_crypto_provider();
        let mut started = Self::begin(config, &[]);
        started.wait_for(&format!("{url}/readyz")).await;
        started
    }

    /// Starts serving with more in its environment, and waits for nothing.
    ///
    /// # Panics
    /// When the binary cannot be run at all.
    pub fn begin(config: &Path, environment: &[(&str, String)]) -> Self {
        let log = config.with_extension("log");
        let file = File::create(&log).expect("a writable directory");
        let child = Command::new(binary())
            .args(["serve", "--config"])
            .arg(config)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a second handle"))
            .stderr(file)
            .spawn();
        let child = child.unwrap_or_else(|error| panic!("cannot start {}: {error}", binary().display()));
        Self { child, config: config.to_owned(), log }
    }

    /// Sends it a signal, such as `STOP`.
    ///
    /// # Panics
    /// When it is not there any more.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status();
        assert!(sent.is_ok_and(|sent| sent.success()), "no process to send {name} to:\n{}", self.log());
    }

    /// Waits until it ended by itself, and says how.
    ///
    /// # Panics
    /// When it goes on.
    pub async fn ended(&mut self) -> ExitStatus {
        let asked = Instant::now();
        while asked.elapsed() < START_WITHIN {
            if let Ok(Some(status)) = self.child.try_wait() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("portcullis goes on after {START_WITHIN:?}:\n{}", self.log());
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Runs a command of the binary against the same configuration.
    pub async fn run(&self, args: &[&str]) -> Finished {
        run(&self.config, args).await
    }

    /// Its configuration file.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, with no chance to tidy up.
    pub fn kill(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Everything it wrote so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    async fn wait_for(&mut self, readyz: &str) {
        let client = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        let asked = Instant::now();
        while asked.elapsed() < START_WITHIN {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("portcullis ended with {status} before it was ready:\n{}", self.log());
            }
            if client.get(readyz).send().await.is_ok_and(|response| response.status().is_success()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("portcullis is not ready after {START_WITHIN:?}:\n{}", self.log());
    }
}

impl Drop for Portcullis {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln_log(&self.log());
        }
    }
}

/// Runs a command of the binary against a configuration file.
///
/// # Panics
/// When the binary cannot be run at all, or does not end.
pub async fn run(config: &Path, args: &[&str]) -> Finished {
    let command =
        tokio::process::Command::new(binary()).args(args).arg("--config").arg(config).kill_on_drop(true).output();
    let output = tokio::time::timeout(START_WITHIN, command).await.expect("the command ends");
    let output = output.expect("the binary runs");
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    Finished { status: output.status, stdout, stderr }
}

#[expect(clippy::print_stderr, reason = "the log of the binary explains the failed test")]
fn eprintln_log(log: &str) {
    eprintln!("--- log of portcullis ---\n{log}");
}

/// `PORTCULLIS_BIN`, or what cargo builds now: a test never judges yesterday's binary.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| std::env::var_os("PORTCULLIS_BIN").map_or_else(build, PathBuf::from))
}

fn build() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let directory = test.parent().expect("a program lives in a directory");
    // A test lives in target/PROFILE/deps, a binary in target/PROFILE.
    let profile = if directory.ends_with("deps") { directory.parent().unwrap_or(directory) } else { directory };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "-p", "portcullis", "--bin", "portcullis"]);
    if profile.ends_with("release") {
        command.arg("--release");
    }
    let built = command.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo runs");
    assert!(built.success(), "portcullis does not build");
    profile.join("portcullis")
}
