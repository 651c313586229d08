//! `portcullis`: authorization server, gateway and governance for MCP, in one binary.
//!
//! This crate reads the configuration, puts the three roles on one listener and offers the
//! command line. It decides nothing itself: start with [`node`] for what `serve` puts together,
//! and with [`cli`] for the commands.

mod cli;
mod commands;
mod config;
mod manual;
mod names;
mod node;
mod output;
mod shutdown;

use std::process::ExitCode;

use clap::Parser;

/// A call is many small allocations, made on one thread and let go of on another: docs/decisions/0021-allocator.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_a_command(&error),
    };
    let form = cli.form();
    output::answers_in(form);
    std::panic::set_hook(Box::new(|panic| {
        // Where, never what: a payload may hold anything, and a person never sees a stack.
        let place = panic.location().map_or_else(|| "an unknown place".into(), ToString::to_string);
        tracing::error!(event = "fault", place, "a fault in the program; the request it served was refused");
    }));
    net::install_crypto_provider();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output::failed(form, &anyhow::anyhow!("the runtime could not start: {error}")),
    };
    match runtime.block_on(commands::run(cli)) {
        Ok(code) => code,
        Err(error) => output::failed(form, &error),
    }
}

/// Help and version, and what is wrong with the arguments: as JSON too, when that is among them.
fn not_a_command(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
        let said = error.to_string();
        let said = said.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
        return output::failed(output::Form::Json, &anyhow::anyhow!("{}", said.replace('\n', " ")));
    }
    // A closed pipe is nobody's fault.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { output::FAILED } else { 0 })
}
