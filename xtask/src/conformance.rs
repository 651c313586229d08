//! `cargo xtask conformance`: the official runner against the authorization server, and against a
//! conformant MCP server directly and through the gateway, compared check by check.
//!
//! This command only fetches the runner (by lock file) and a Node that can run it. What is
//! started, driven and compared is the binary `conformance` of `crates/world`.

use std::{env, fs, path::Path, process::Command as Process};

use crate::{
    Command,
    run::run as run_it,
    tools::{node, node_modules},
};

pub const COMMAND: Command =
    Command { name: "conformance", what: "the official MCP conformance runner, direct and through the gateway", run };

/// The runner imports what older versions do not have, though its manifest does not say so.
const NODE_FOR_RUNNER: u32 = 22;
const RUNNER: &str = "@modelcontextprotocol/conformance/dist/index.js";

fn run(arguments: &[String]) -> anyhow::Result<()> {
    let node = node(NODE_FOR_RUNNER)?;
    let runner = node_modules("conformance", Path::new("xtask/conformance"))?.join(RUNNER);
    let reports = env::current_dir()?.join("target/conformance");
    fs::create_dir_all(&reports)?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // The whole workspace, so that features and therefore artefacts are those of `cargo xtask test`.
    run_it(Process::new(&cargo).args(["build", "--workspace", "--locked", "--quiet"]))?;
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), std::path::PathBuf::from);
    let built = env::current_dir()?.join(target).join("debug");
    println!("reports: {}", reports.display());
    let mut judge = Process::new(built.join("conformance"));
    judge.arg(node).arg(runner).arg(reports).args(arguments);
    run_it(judge.env("PORTCULLIS_BIN", built.join("portcullis")))
}
