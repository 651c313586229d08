//! `portcullis`: authorization server, gateway and governance for MCP, in one binary.
//!
//! This crate reads the configuration, puts the three roles on one listener and offers the
//! command line. It decides nothing itself: start with [`node`] for what `serve` puts together,
//! and with [`cli`] for the commands.

mod cli;
mod commands;
mod config;
mod node;
mod output;
mod shutdown;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    net::install_crypto_provider();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output::failed(&anyhow::anyhow!("the runtime could not start: {error}")),
    };
    match runtime.block_on(commands::run(cli)) {
        Ok(code) => code,
        Err(error) => output::failed(&error),
    }
}
