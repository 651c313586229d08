//! A PostgreSQL of a test's own, which it may stop, cut off and replace by its standby.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, chown},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tempfile::TempDir;
use tokio::process::{Child, Command};

/// A running server; stopped and removed when dropped.
pub struct Postgres {
    server: Child,
    programs: PathBuf,
    folder: TempDir,
    owner: Option<(u32, u32)>,
    port: u16,
    /// Where it is reached, and the network namespace that it is in.
    place: Place,
}

/// Where a server is.
#[derive(Clone)]
struct Place {
    address: String,
    namespace: Option<String>,
}

impl Place {
    fn here() -> Self {
        Self { address: "127.0.0.1".into(), namespace: None }
    }
}

impl Postgres {
    /// An empty server; `None` where PostgreSQL is not installed.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Option<Self> {
        Self::start_at(Place::here()).await
    }

    /// An empty server at the far end of these wires; the test itself reaches it over the first one.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_behind(wires: &crate::Wires) -> Option<Self> {
        Self::start_at(Place { address: wires.address(0), namespace: Some(wires.name().to_owned()) }).await
    }

    async fn start_at(place: Place) -> Option<Self> {
        let programs = programs()?;
        let owner = owner();
        let folder = folder(owner);
        let flags = ["--pgdata=data", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"];
        done(program(&programs, "initdb", &folder, owner).args(flags).arg("--no-sync")).await;
        if place.namespace.is_some() {
            let rules = folder.path().join("data/pg_hba.conf");
            let more = fs::read_to_string(&rules).expect("what initdb wrote") + "host all all 198.18.0.0/15 trust\n";
            fs::write(rules, more).expect("a writable directory");
        }
        Some(Self::serve(programs, folder, owner, place).await)
    }

    /// A standby that is fed through `port`.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn standby(&self, port: u16) -> Self {
        let folder = folder(self.owner);
        let flags = ["--pgdata=data", "--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--username=postgres"];
        let copied = ["--host=127.0.0.1", &format!("--port={port}")];
        done(program(&self.programs, "pg_basebackup", &folder, self.owner).args(flags).args(copied)).await;
        Self::serve(self.programs.clone(), folder, self.owner, Place::here()).await
    }

    async fn serve(programs: PathBuf, folder: TempDir, owner: Option<(u32, u32)>, place: Place) -> Self {
        let port = crate::world::free_port().await;
        let server = server(&programs, &folder, owner, port, &place);
        let started = Self { server, programs, folder, owner, port, place };
        started.until_ready().await;
        started
    }

    /// Where it listens.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// As the product is told of it.
    pub fn url(&self) -> String {
        url(&self.place.address, self.port)
    }

    /// The same over one of the wires that it is behind.
    pub fn url_over(&self, wires: &crate::Wires, wire: u8) -> String {
        url(&wires.address(wire), self.port)
    }

    /// The same through a [`crate::Forwarder`].
    pub fn url_through(way: &crate::Forwarder) -> String {
        url("127.0.0.1", way.port())
    }

    /// Ends it as a crash would.
    pub async fn stop(&mut self) {
        done(&mut self.pg_ctl(&["stop", "--mode=immediate"])).await;
        let _ = self.server.wait().await;
    }

    /// Starts it after a [`Self::stop`].
    pub async fn start_again(&mut self) {
        self.server = server(&self.programs, &self.folder, self.owner, self.port, &self.place);
        self.until_ready().await;
    }

    /// Makes a primary of a standby.
    pub async fn promote(&self) {
        done(&mut self.pg_ctl(&["promote"])).await;
    }

    /// What statements answer, unaligned.
    ///
    /// # Panics
    /// When one fails.
    pub async fn sql(&self, statements: &str) -> String {
        done(self.program("psql").args([&self.url(), "-qAtX", "--set=ON_ERROR_STOP=1", "-c", statements])).await
    }

    /// Waits until `standby` has everything that is here.
    ///
    /// # Panics
    /// When it never has.
    pub async fn until_at(&self, standby: &Self) {
        let here = self.sql("SELECT pg_current_wal_lsn()").await;
        let there = format!("SELECT pg_last_wal_replay_lsn() >= '{here}'");
        for _ in 0..300 {
            if standby.sql(&there).await == "t" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the standby is not fed: {}", standby.log());
    }

    async fn until_ready(&self) {
        for _ in 0..300 {
            let port = self.port.to_string();
            let asked = self.program("pg_isready").args(["-q", "-h", &self.place.address, "-p", &port]).status().await;
            if asked.is_ok_and(|asked| asked.success()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("PostgreSQL did not start: {}", self.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn pg_ctl(&self, arguments: &[&str]) -> Command {
        let mut command = self.program("pg_ctl");
        command.args(arguments).args(["--pgdata=data", "--silent"]);
        command
    }

    fn program(&self, name: &str) -> Command {
        program(&self.programs, name, &self.folder, self.owner)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.pg_ctl(&["stop", "--mode=immediate"]).as_std_mut().status();
        let _ = self.server.start_kill();
    }
}

fn url(address: &str, port: u16) -> String {
    format!("postgres://postgres@{address}:{port}/postgres")
}

fn server(programs: &Path, folder: &TempDir, owner: Option<(u32, u32)>, port: u16, place: &Place) -> Child {
    let log = fs::File::create(folder.path().join("log")).expect("a writable directory");
    let (mut command, listens) = match (&place.namespace, owner) {
        (Some(namespace), Some((user, group))) => {
            // Only root may go there, and PostgreSQL is not to be root.
            let mut command = program(Path::new("/"), "sbin/ip", folder, None);
            let (user, group) = (format!("--reuid={user}"), format!("--regid={group}"));
            command.args(["netns", "exec", namespace, "setpriv", &user, &group, "--clear-groups"]);
            command.arg(programs.join("postgres"));
            (command, "*")
        }
        _ => (program(programs, "postgres", folder, owner), "127.0.0.1"),
    };
    command
        .args(["-D", "data", "-p", &port.to_string(), "-k", &folder.path().to_string_lossy()])
        .args(["-c", &format!("listen_addresses={listens}"), "-c", "fsync=off"])
        .args(["-c", "wal_retrieve_retry_interval=100ms"])
        .stdout(log.try_clone().expect("a second handle"))
        .stderr(log)
        .spawn()
        .expect("PostgreSQL can be run")
}

/// What `command` printed.
async fn done(command: &mut Command) -> String {
    let output = command.output().await.expect("the programs of PostgreSQL can be run");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The folder with `initdb` and `postgres`: Debian keeps it off the path, one per version.
fn programs() -> Option<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path());
    let version = |folder: &PathBuf| folder.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let newest = debian.filter(|it| it.join("bin/initdb").exists()).max_by_key(version);
    let on_path = || std::env::split_paths(&std::env::var_os("PATH")?).find(|it| it.join("initdb").exists());
    newest.map(|folder| folder.join("bin")).or_else(on_path)
}

fn program(programs: &Path, name: &str, folder: &TempDir, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(programs.join(name));
    command.current_dir(folder.path()).env("HOME", folder.path()).env("LC_ALL", "C").stdin(Stdio::null());
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command
}

fn folder(owner: Option<(u32, u32)>) -> TempDir {
    let folder = TempDir::new().expect("a temporary directory");
    if let Some((user, group)) = owner {
        chown(folder.path(), Some(user), Some(group)).expect("root may give its directory away");
    }
    folder
}

/// PostgreSQL refuses to run as root: the user that its package made, or nobody.
fn owner() -> Option<(u32, u32)> {
    if !fs::metadata("/proc/self").is_ok_and(|us| us.uid() == 0) {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let find = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2).map(|id| id.parse().ok());
        Some((ids.next()??, ids.next()??))
    };
    find("postgres").or_else(|| find("nobody"))
}
