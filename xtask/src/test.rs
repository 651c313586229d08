//! `cargo xtask test`: everything that must hold, from a fresh clone on a fresh machine.
//!
//! All cargo steps select the whole workspace, so that features are the same everywhere and
//! nothing is compiled twice.

mod steps;

use std::time::{Duration, Instant};

use anyhow::bail;

use crate::{Command, postgres::Postgres, tools, tools::Tools};
use steps::STEPS;
pub use steps::product;

pub const COMMAND: Command =
    Command { name: "test", what: "install what the tests need, then run all; --only STEP[,STEP]", run };

/// What steps stand on, made when the first one needs it, taken down at the end.
#[derive(Default)]
struct Ground {
    tools: Option<Tools>,
    postgres: Option<Postgres>,
}

impl Ground {
    fn tools(&mut self) -> anyhow::Result<&Tools> {
        if self.tools.is_none() {
            self.tools = Some(tools::installed()?);
        }
        self.tools.as_ref().ok_or_else(|| anyhow::anyhow!("the tools are gone"))
    }

    fn postgres_url(&mut self) -> anyhow::Result<String> {
        if self.postgres.is_none() {
            self.postgres = Some(Postgres::start()?);
        }
        Ok(self.postgres.as_ref().map(Postgres::url).unwrap_or_default())
    }
}

fn run(arguments: &[String]) -> anyhow::Result<()> {
    let chosen = chosen(arguments)?;
    let mut ground = Ground::default();
    let mut results: Vec<(&str, Duration, bool)> = Vec::new();
    for step in chosen {
        println!("\n── {}: {}", step.name, step.what);
        let started = Instant::now();
        let result = (step.run)(&mut ground);
        if let Err(error) = &result {
            println!("{}: {error:#}", step.name);
        }
        let (took, passed) = (started.elapsed(), result.is_ok());
        println!("── {} {} after {:.1} s", step.name, verdict(passed), took.as_secs_f64());
        results.push((step.name, took, passed));
    }
    drop(ground);
    summary(&results)
}

fn chosen(arguments: &[String]) -> anyhow::Result<Vec<&'static steps::Step>> {
    let all = || STEPS.iter().map(|step| step.name).collect::<Vec<_>>().join(", ");
    match arguments {
        [] => Ok(STEPS.iter().collect()),
        [flag, names] if flag == "--only" => {
            let find = |name| STEPS.iter().find(|step| step.name == name);
            let unknown = |name| anyhow::anyhow!("there is no step `{name}`; the steps are {}", all());
            names.split(',').map(|name| find(name).ok_or_else(|| unknown(name))).collect()
        }
        _ => bail!("usage: cargo xtask test [--only STEP[,STEP]]; the steps are {}", all()),
    }
}

fn summary(results: &[(&str, Duration, bool)]) -> anyhow::Result<()> {
    println!();
    for (name, took, passed) in results {
        println!("{:<8} {:<7} {:>7.1} s", name, verdict(*passed), took.as_secs_f64());
    }
    let failed: Vec<&str> = results.iter().filter(|(_, _, passed)| !passed).map(|(name, ..)| *name).collect();
    if failed.is_empty() {
        return Ok(());
    }
    bail!("{} failed; run again alone with `cargo xtask test --only {}`", failed.join(", "), failed.join(","))
}

fn verdict(passed: bool) -> &'static str {
    if passed { "ok" } else { "FAILED" }
}
