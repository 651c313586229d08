//! `cargo xtask torture`: faults around real processes for about three minutes, again and again.
//!
//! The tests are those of `crates/world/tests/torture`, which `cargo xtask test` runs once. Nothing but loopback is
//! needed; what the machine has not (PostgreSQL, the right to mount and to make network namespaces, libfaketime) is skipped and
//! said.

use std::{env, process::Command as Process};

use anyhow::bail;

use crate::{Command, run::run as run_it, test::product};

pub const COMMAND: Command =
    Command { name: "torture", what: "stop, cut off, fill up and put back what runs; count stale accepts", run };

fn run(arguments: &[String]) -> anyhow::Result<()> {
    if !arguments.is_empty() {
        bail!("usage: cargo xtask torture");
    }
    let product = product()?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    run_it(
        Process::new(cargo)
            .args(["test", "--workspace", "--locked", "--test", "torture", "--", "--nocapture"])
            .env("PORTCULLIS_BIN", product)
            .env("PORTCULLIS_TORTURE", "1"),
    )
}
