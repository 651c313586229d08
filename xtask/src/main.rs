//! The checks and the chores of this repository: `cargo xtask COMMAND`.
//!
//! It is compiled before everything else, so it has next to no dependencies.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks through its output")]

mod bench;
mod conformance;
mod postgres;
mod run;
mod source;
mod spec;
mod test;
mod tidy;
mod tools;
mod torture;

use std::{env, path::Path, process::ExitCode};

/// One command. The table below is the whole list.
struct Command {
    name: &'static str,
    what: &'static str,
    run: fn(&[String]) -> anyhow::Result<()>,
}

const COMMANDS: &[Command] =
    &[test::COMMAND, tidy::COMMAND, spec::COMMAND, conformance::COMMAND, bench::COMMAND, torture::COMMAND];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some(command) = arguments.first().and_then(|name| COMMANDS.iter().find(|command| command.name == name)) else {
        eprintln!("cargo xtask COMMAND, where COMMAND is one of");
        for command in COMMANDS {
            eprintln!("  {:<12} {}", command.name, command.what);
        }
        return ExitCode::from(2);
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    match env::set_current_dir(root).map_err(Into::into).and_then(|()| (command.run)(&arguments[1..])) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error:#}", command.name);
            ExitCode::FAILURE
        }
    }
}
