//! A PostgreSQL of our own for the length of the tests: loopback only, no password, nothing kept.

use std::{
    env, fs,
    net::TcpListener,
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use anyhow::{Context as _, bail};

use crate::{
    run::ask,
    tools::{is_root, on_path},
};

/// A running server; stopped and removed when dropped.
pub struct Postgres {
    server: Child,
    programs: PathBuf,
    folder: PathBuf,
    owner: Option<(u32, u32)>,
    port: u16,
}

impl Postgres {
    /// Makes an empty cluster and starts it on a free port.
    pub fn start() -> anyhow::Result<Self> {
        let programs =
            programs().context("PostgreSQL is not installed; `cargo xtask test --only tools` installs it")?;
        let folder = env::temp_dir().join(format!("portcullis-postgres-{}", process::id()));
        let owner = if is_root() { Some(unprivileged()?) } else { None };
        fs::create_dir(&folder)?;
        if let Some((user, group)) = owner {
            chown(&folder, Some(user), Some(group))?;
        }
        let initialised = program(&programs, "initdb", &folder, owner)
            .args(["--pgdata=data", "--username=postgres", "--auth=trust"])
            .args(["--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"])
            .output()?;
        if !initialised.status.success() {
            bail!("initdb failed: {}", String::from_utf8_lossy(&initialised.stderr));
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = fs::File::create(folder.join("log"))?;
        let server = program(&programs, "postgres", &folder, owner)
            .args(["-D", "data", "-p", &port.to_string(), "-k", &folder.to_string_lossy()])
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=200"])
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut started = Self { server, programs, folder, owner, port };
        started.wait_until_ready()?;
        Ok(started)
    }

    /// As the tests are told of it.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        for _ in 0..300 {
            let mut asking = program(&self.programs, "pg_isready", &self.folder, self.owner);
            if ask(asking.args(["-h", "127.0.0.1", "-p", &self.port.to_string()])).is_some() {
                return Ok(());
            }
            if self.server.try_wait()?.is_some() {
                break;
            }
            sleep(Duration::from_millis(100));
        }
        bail!("PostgreSQL did not start: {}", fs::read_to_string(self.folder.join("log")).unwrap_or_default())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let stopped = ask(program(&self.programs, "pg_ctl", &self.folder, self.owner).args([
            "stop",
            "--pgdata=data",
            "--mode=immediate",
        ]));
        if stopped.is_none() {
            let _ = self.server.kill();
        }
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The folder with `initdb` and `postgres`: Debian keeps it off the path, one per version.
pub fn programs() -> Option<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version = |folder: &PathBuf| folder.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let newest = debian.map(|entry| entry.path()).filter(|it| it.join("bin/initdb").exists()).max_by_key(version);
    newest.map(|folder| folder.join("bin")).or_else(|| on_path("initdb")?.parent().map(Path::to_path_buf))
}

/// A program of PostgreSQL, run by `owner` in `folder`.
fn program(programs: &Path, name: &str, folder: &Path, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(programs.join(name));
    command.current_dir(folder).env("HOME", folder).env("LC_ALL", "C").stdin(Stdio::null());
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command
}

/// PostgreSQL refuses to run as root: the user that its package made, or nobody.
fn unprivileged() -> anyhow::Result<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd")?;
    let find = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2).map(|id| id.parse().ok());
        Some((ids.next()??, ids.next()??))
    };
    find("postgres").or_else(|| find("nobody")).context("no user `postgres` or `nobody` to run PostgreSQL as")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[ignore = "needs PostgreSQL on the machine; the unit step of `cargo xtask test` uses it anyway"]
    fn a_server_answers_and_leaves_nothing_behind() {
        let server = Postgres::start().unwrap();
        let folder = server.folder.clone();
        let asked = ask(Command::new(server.programs.join("psql")).args([&server.url(), "-Atc", "SELECT 1"]));
        assert_eq!(asked.as_deref(), Some("1"));
        drop(server);
        assert!(!folder.exists());
    }
}
