//! Runs the official conformance runner: against the fixture directly, against the fixture through
//! the gateway, and against the authorization server. Nothing may fail, and through the gateway every
//! check must come out as it does directly.
//!
//! `conformance NODE RUNNER OUT_DIR`: a Node of version 22 or newer, the runner's `dist/index.js`,
//! and where the results go. The report is `OUT_DIR/report.md` and stdout.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
};

use anyhow::{Context as _, Result, bail};
use portcullis_world::{Protected, World, WorldConfig, fixture, shim};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpListener,
    process::Command,
};

/// Where the runner waits for the authorization code.
const CALLBACK: &str = "http://127.0.0.1:3000/callback";
/// The name of the fixture behind the gateway, and of the runner's client registration.
const NAME: &str = "conformance";
/// The requirement sets of the runner.
const REVISIONS: [&str; 2] = ["2026-07-28", "2025-11-25"];

struct Runner {
    node: PathBuf,
    script: PathBuf,
    out: PathBuf,
}

/// Status by scenario, check and occurrence.
type Checks = BTreeMap<(String, String, usize), String>;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let (Some(node), Some(script), Some(out)) = (arguments.next(), arguments.next(), arguments.next()) else {
        bail!("usage: conformance NODE RUNNER OUT_DIR");
    };
    let runner = Runner { node, script, out };
    let _ = std::fs::remove_dir_all(&runner.out);
    std::fs::create_dir_all(&runner.out)?;

    let direct = TcpListener::bind("127.0.0.1:0").await?;
    let direct_url = format!("http://{}/mcp", direct.local_addr()?);
    tokio::spawn(fixture::serve(direct));
    let front = TcpListener::bind("127.0.0.1:0").await?;
    let front_address = front.local_addr()?;
    let world = World::start_with(config(&direct_url, &front_address.to_string())).await;
    let token = world.agent_token(NAME).await?;
    let upstream = world.url().trim_start_matches("http://").to_owned();
    tokio::spawn(shim::serve(front, upstream, token));
    let through_url = format!("http://{front_address}/mcp/{NAME}");

    let mut report = Report::default();
    for revision in REVISIONS {
        let direct = runner.server(&direct_url, revision, "direct").await?;
        let through = runner.server(&through_url, revision, "through").await?;
        report.compare(revision, &direct, &through);
    }
    report.authorization(&runner.authorization(&world).await?);
    std::fs::write(runner.out.join("report.md"), &report.text)?;
    tokio::io::stdout().write_all(report.text.as_bytes()).await?;
    Ok(if report.wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The fixture's tools, resources and prompts are all low: transparency is judged, not policy. The runner speaks to the shim's
/// port and claims to be a page from there, so that name and that origin are ours for the run.
fn config(fixture: &str, front: &str) -> WorldConfig {
    WorldConfig {
        servers: vec![Protected {
            name: NAME.into(),
            url: fixture.into(),
            tools: vec![("*".into(), "low".into())],
            keys: "    tasks: shared\n    resources: { all: { uri: \"test://*\", tier: low } }\n    prompts: { \"*\": low }\n"
                .into(),
        }],
        extra: format!("extra_hosts: [\"{front}\"]\nallowed_origins: [\"http://{front}\"]\n"),
        clients: format!(
            "  registered:\n    {NAME}: {{ name: Conformance runner, redirect_uris: [\"{CALLBACK}\"], server: {NAME} }}\n"
        ),
        ..WorldConfig::default()
    }
}

impl Runner {
    async fn server(&self, url: &str, revision: &str, way: &str) -> Result<Checks> {
        let out = self.out.join(format!("{revision}-{way}"));
        let mut command = self.command(&["server", "--url", url, "--requirements", revision, "-o"], &out);
        let output = command.output().await.context("the runner does not start")?;
        std::fs::write(out.with_extension("log"), [output.stdout, output.stderr].concat())?;
        checks(&out)
    }

    /// Runs the authorization mode and plays Ada's part in it.
    async fn authorization(&self, world: &World) -> Result<Checks> {
        let out = self.out.join("authorization");
        let mut command = self.command(&["authorization", "--url", world.url(), "--client-id", NAME, "-o"], &out);
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("no stdout")?).lines();
        while let Some(line) = lines.next_line().await? {
            if line.trim().starts_with(world.url()) && line.contains("response_type=code") {
                let callback = world.person("ada").allow(line.trim()).await;
                world.visit(callback.as_str()).await?;
            }
        }
        child.wait().await?;
        checks(&out)
    }

    fn command(&self, arguments: &[&str], out: &Path) -> Command {
        let mut command = Command::new(&self.node);
        command.arg(&self.script).args(arguments).arg(out);
        command
    }
}

/// Reads every `checks.json` below `out`. What only informs is left out.
fn checks(out: &Path) -> Result<Checks> {
    let mut found = Checks::new();
    for entry in std::fs::read_dir(out).with_context(|| format!("the runner wrote nothing to {}", out.display()))? {
        let directory = entry?.path();
        let file = directory.join("checks.json");
        if !file.exists() {
            continue;
        }
        let scenario = scenario(&directory);
        let list: Vec<Value> = serde_json::from_slice(&std::fs::read(file)?)?;
        for check in list {
            let status = check["status"].as_str().unwrap_or("?");
            if status == "INFO" {
                continue;
            }
            let id = check["id"].as_str().unwrap_or("?").to_owned();
            let nth = (0..).find(|nth| !found.contains_key(&(scenario.clone(), id.clone(), *nth))).unwrap_or(0);
            found.insert((scenario.clone(), id, nth), status.to_owned());
        }
    }
    Ok(found)
}

/// `server-tools-list-2026-11-22T21-57-10-473Z` is about `tools-list`.
fn scenario(directory: &Path) -> String {
    let name = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stamp = "-0000-00-00T00-00-00-000Z".len();
    name.get(..name.len().saturating_sub(stamp)).unwrap_or(&name).to_owned()
}

#[derive(Default)]
struct Report {
    text: String,
    wrong: bool,
}

impl Report {
    fn compare(&mut self, revision: &str, direct: &Checks, through: &Checks) {
        self.line(&format!("## server, {revision}\n"));
        for (way, checks) in [("direct", direct), ("through the gateway", through)] {
            let passed = checks.values().filter(|status| *status == "SUCCESS").count();
            let failed = checks.values().filter(|status| *status == "FAILURE").count();
            self.wrong |= failed > 0;
            self.line(&format!("- {way}: {} checks, {passed} succeeded, {failed} failed", checks.len()));
        }
        let keys: std::collections::BTreeSet<_> = direct.keys().chain(through.keys()).collect();
        let different: Vec<_> = keys.into_iter().filter(|key| direct.get(*key) != through.get(*key)).collect();
        self.line(&format!("- checks that come out differently through the gateway: {}\n", different.len()));
        for key in different {
            self.wrong = true;
            let absent = || "absent".to_owned();
            let was = direct.get(key).cloned().unwrap_or_else(absent);
            let is = through.get(key).cloned().unwrap_or_else(absent);
            self.line(&format!("  - {} / {} #{}: direct {was}, through {is}", key.0, key.1, key.2));
        }
        self.line("");
    }

    fn authorization(&mut self, checks: &Checks) {
        self.line("## authorization\n");
        for ((_, id, _), status) in checks {
            self.line(&format!("- {id}: {status}"));
            self.wrong |= status != "SUCCESS";
        }
        let grant = checks.keys().any(|(_, id, _)| id == "authorization-code-grant");
        if !grant {
            self.line("- authorization-code-grant: was not run");
            self.wrong = true;
        }
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }
}
