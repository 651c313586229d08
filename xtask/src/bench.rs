//! `cargo xtask bench`: what a call costs.
//!
//! First the hot paths by themselves (`cargo bench`), then the release gateway beside the bare
//! upstream and beside plain nginx without any authorization, in interleaved rounds of one run.
//! Requests per second depend on what else the machine does; processor time per request hardly
//! does, so that is what is compared, as a ratio to nginx.
//!
//! Load and upstream share the first processor, what is measured has the second to itself.
//!
//! `--memory` is another question: what strangers can make the product hold.

mod load;
mod memory;
mod targets;
mod upstream;

use std::{env, fs, process::Command as Process, time::Duration};

use anyhow::{Context as _, bail};

use crate::{Command, run::run as run_it};
use load::Measured;
use targets::Target;

pub const COMMAND: Command =
    Command { name: "bench", what: "hot paths, then the release gateway beside nginx, as CPU per request", run };

const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(3);

fn run(arguments: &[String]) -> anyhow::Result<()> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            hot_paths()?;
            beside_nginx()
        }
        ["--hot-paths"] => hot_paths(),
        ["--beside-nginx"] => beside_nginx(),
        ["--memory"] => memory(),
        ["measure"] => measure(),
        ["measure-memory", product] => memory::measure(product),
        ["upstream", port] => upstream::serve(port.parse().context("a port")?),
        _ => bail!("usage: cargo xtask bench [--hot-paths | --beside-nginx | --memory]"),
    }
}

/// Every bench of every crate, by its name, so that nothing else is built for it.
fn hot_paths() -> anyhow::Result<()> {
    let mut benches = Vec::new();
    for krate in fs::read_dir("crates")? {
        for bench in fs::read_dir(krate?.path().join("benches")).into_iter().flatten() {
            let bench = bench?.path();
            benches.extend(bench.file_stem().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    benches.sort();
    let targets = benches.iter().flat_map(|bench| ["--bench", bench]);
    run_it(cargo().args(["bench", "--workspace", "--locked"]).args(targets))
}

/// Builds for speed and goes on in that build, on the first processor.
fn beside_nginx() -> anyhow::Result<()> {
    run_it(cargo().args(["build", "--release", "--locked", "--package", "portcullis", "--package", "xtask"]))?;
    run_it(cargo().args(["build", "--workspace", "--locked", "--bin", "agent-token"]))?;
    run_it(Process::new("taskset").args(["-c", "0", "target/release/xtask", "bench", "measure"]))
}

/// On the development build: what is bounded is what is held, and that does not depend on speed.
pub fn memory() -> anyhow::Result<()> {
    run_it(cargo().args(["build", "--workspace", "--locked", "--quiet"]))?;
    let folder = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), std::path::PathBuf::from);
    memory::run_raised(&env::current_dir()?.join(folder).join("debug/portcullis").display().to_string())
}

fn measure() -> anyhow::Result<()> {
    let ground = targets::Ground::start()?;
    let mut rounds: Vec<Vec<Measured>> = ground.targets.iter().map(|_| Vec::new()).collect();
    for target in &ground.targets {
        load::run(target, Duration::from_secs(1)).with_context(|| target.name.to_owned())?;
    }
    for _ in 0..ROUNDS {
        for (target, measured) in ground.targets.iter().zip(&mut rounds) {
            measured.push(load::run(target, ROUND).with_context(|| target.name.to_owned())?);
        }
    }
    let load_average = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("{} interleaved rounds of {} s; load average {}", ROUNDS, ROUND.as_secs(), load_average.trim());
    show(&ground.targets, &rounds);
    Ok(())
}

fn show(targets: &[Target], rounds: &[Vec<Measured>]) {
    let cpu = |measured: &[Measured]| median(measured.iter().map(|it| it.cpu_micros).collect());
    let nginx = targets.iter().position(|target| target.name == targets::NGINX).map(|at| cpu(&rounds[at]));
    println!("{:<22} {:>9} {:>14} {:>8} {:>9}", "target", "requests/s", "CPU us median", "min", "to nginx");
    for (target, measured) in targets.iter().zip(rounds) {
        let lowest = measured.iter().map(|it| it.cpu_micros).fold(f64::INFINITY, f64::min);
        let ratio = nginx.map(|nginx| format!("{:.2}", cpu(measured) / nginx)).unwrap_or_else(|| "-".to_owned());
        let per_second = median(measured.iter().map(|it| it.per_second).collect());
        println!("{:<22} {per_second:>9.0} {:>14.1} {lowest:>8.1} {ratio:>9}", target.name, cpu(measured));
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn cargo() -> Process {
    Process::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
