//! `policy`: what is in force.

use std::process::ExitCode;

use anyhow::Result;

use super::Visit;
use crate::{cli, config, node, output};

/// Runs `policy …`.
pub fn run(visit: &Visit, command: cli::Policy) -> Result<ExitCode> {
    let policies = node::policies(&visit.config(config::Needs::Store)?)?;
    match command {
        cli::Policy::Check => {
            output::line(format!("the policies parse and fit the schema; version {}", policies.fingerprint()))
        }
        cli::Policy::Show => {
            for file in policies.texts() {
                output::line(format!("// {}\n{}", file.name, file.text));
            }
        }
    }
    Ok(output::OK)
}
