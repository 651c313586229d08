//! The steps of `cargo xtask test`, cheapest first.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
};

use anyhow::bail;

use super::Ground;
use crate::{bench, run::run, spec, tidy, tools};

/// One step.
pub struct Step {
    pub name: &'static str,
    pub what: &'static str,
    pub run: fn(&mut Ground) -> anyhow::Result<()>,
}

pub const STEPS: &[Step] = &[
    Step { name: "tools", what: "node, python, PostgreSQL, chromium and the official SDKs", run: install },
    Step { name: "fmt", what: "every file is formatted", run: |_| cargo(&["fmt", "--all", "--check", "--", "-l"]) },
    Step { name: "tidy", what: "ranks, invariants of absence, sizes, the map", run: |_| (tidy::COMMAND.run)(&[]) },
    Step { name: "spec", what: "docs/spec-map.md is fresh", run: |_| (spec::COMMAND.run)(&["--check".to_owned()]) },
    Step { name: "clippy", what: "no warning in any target", run: clippy },
    Step { name: "build", what: "the product and the world", run: |_| cargo(&["build", "--workspace", "--locked"]) },
    Step { name: "unit", what: "unit tests, and the store on SQLite and PostgreSQL", run: unit },
    Step { name: "world", what: "the real binary, the official clients in both eras, the browser", run: world },
    Step {
        name: "memory",
        what: "floods of strangers and of one agent, and what they make the product hold",
        run: memory,
    },
    Step { name: "demo", what: "the guided tour, every step true", run: demo },
    Step { name: "deny", what: "licences, sources and bans of everything that is linked", run: deny },
];

fn install(ground: &mut Ground) -> anyhow::Result<()> {
    let tools = ground.tools()?;
    for path in [&tools.node, &tools.node_modules, &tools.python, &tools.chromium] {
        println!("{}", path.display());
    }
    Ok(())
}

fn clippy(_: &mut Ground) -> anyhow::Result<()> {
    cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "--deny", "warnings"])
}

fn unit(ground: &mut Ground) -> anyhow::Result<()> {
    let tests = test_targets(|krate| krate != "world")?;
    tested(ground, &[&["--lib".to_owned(), "--bins".to_owned()], &tests[..]].concat())
}

fn world(ground: &mut Ground) -> anyhow::Result<()> {
    let tests = test_targets(|krate| krate == "world")?;
    if tests.is_empty() {
        bail!("crates/world/tests holds no tests");
    }
    tested(ground, &tests)
}

fn memory(_: &mut Ground) -> anyhow::Result<()> {
    bench::memory()
}

fn demo(_: &mut Ground) -> anyhow::Result<()> {
    // A folder of its own: the demo keeps its state where it is started.
    let folder = env::temp_dir().join(format!("portcullis-demo-{}", process::id()));
    fs::create_dir(&folder)?;
    let result = run(Command::new(product()?).args(["demo", "--exit", "--port", "0"]).current_dir(&folder));
    fs::remove_dir_all(&folder)?;
    result
}

fn deny(_: &mut Ground) -> anyhow::Result<()> {
    let arguments = ["deny", "--locked", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"];
    run(Command::new(tools::cargo_deny()?).args(arguments))
}

/// `cargo test` of some targets of the workspace, told where everything is.
fn tested(ground: &mut Ground, targets: &[String]) -> anyhow::Result<()> {
    let postgres = ground.postgres_url()?;
    let tools = ground.tools()?;
    run(cargo_command(&["test", "--workspace", "--locked", "--no-fail-fast"])
        .args(targets)
        .env("PORTCULLIS_BIN", product()?)
        .env("PORTCULLIS_TEST_POSTGRES", postgres)
        .env("PORTCULLIS_TEST_NODE", &tools.node)
        .env("PORTCULLIS_TEST_NODE_MODULES", &tools.node_modules)
        .env("PORTCULLIS_TEST_PYTHON", &tools.python)
        .env("PORTCULLIS_TEST_CHROMIUM", &tools.chromium))
}

/// `--test NAME` for the test files of the crates that `wanted` says.
fn test_targets(wanted: fn(&str) -> bool) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for krate in fs::read_dir("crates")? {
        let krate = krate?.path();
        let tests = krate.join("tests");
        if !tests.is_dir() || !krate.file_name().and_then(|name| name.to_str()).is_some_and(wanted) {
            continue;
        }
        for file in fs::read_dir(tests)? {
            let file = file?.path();
            let name = if file.join("main.rs").exists() { file.file_name() } else { test_name(&file) };
            names.extend(name.map(|name| name.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names.into_iter().flat_map(|name| ["--test".to_owned(), name]).collect())
}

fn test_name(file: &Path) -> Option<&std::ffi::OsStr> {
    file.extension().filter(|extension| *extension == "rs").and_then(|_| file.file_stem())
}

/// The development build of the product, made anew when it is stale.
pub fn product() -> anyhow::Result<PathBuf> {
    cargo(&["build", "--workspace", "--locked", "--quiet"])?;
    let folder = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    Ok(env::current_dir()?.join(folder).join("debug/portcullis"))
}

fn cargo(arguments: &[&str]) -> anyhow::Result<()> {
    run(&mut cargo_command(arguments))
}

fn cargo_command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}
