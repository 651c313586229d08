//! The commands, one file per noun. Each opens what it needs, calls one use case, prints.

mod agent;
mod audit;
mod check;
mod clock;
mod definition;
mod demo;
mod duty;
mod elevation;
mod exception;
mod grant;
mod init;
mod key;
mod notify;
mod offer;
mod order;
mod person;
mod policy;
mod policy_explain;
mod policy_test;
mod revoke;
mod serve;
mod server;
mod store;
mod task;
mod visit;

use std::process::ExitCode;

use anyhow::Result;
use clap::CommandFactory;
use model::config::Config;

use crate::{
    cli::{Cli, Command},
    manual, output,
};
use visit::Visit;

/// Runs one command.
pub async fn run(cli: Cli) -> Result<ExitCode> {
    let visit = Visit { file: cli.config, json: cli.json };
    match cli.command {
        Command::Serve => serve::run(&visit).await,
        Command::Demo(options) => demo::run(options).await,
        Command::Init(options) => init::run(&visit, options).await,
        Command::Check(options) => check::run(&visit, options).await,
        Command::Person(command) => person::run(&visit, command).await,
        Command::Agent(command) => agent::run(&visit, command).await,
        Command::Server(command) => server::run(&visit, command).await,
        Command::Tool(command) => server::run_tool(&visit, command).await,
        Command::Grant(command) => grant::run(&visit, command).await,
        Command::Duty(command) => duty::run(&visit, command).await,
        Command::Elevation(command) => elevation::run(&visit, command).await,
        Command::Exception(command) => exception::run(&visit, command).await,
        Command::Task(command) => task::run(&visit, command).await,
        Command::Notify(command) => notify::run(&visit, command).await,
        Command::Revoke(kill) => revoke::revoke(&visit, kill).await,
        Command::Restore(kill) => revoke::restore(&visit, kill).await,
        Command::Revoked => revoke::revoked(&visit).await,
        Command::Store(command) => store::run(&visit, command).await,
        Command::Clock(command) => clock::run(&visit, command).await,
        Command::Key(command) => key::run(&visit, command).await,
        Command::Policy(command) => policy::run(&visit, command).await,
        Command::Audit(command) => audit::run(&visit, command).await,
        Command::Schema { markdown: true, events } => {
            let text = if events { manual::events() } else { manual::configuration() };
            visit.tell(&serde_json::json!({ "markdown": text }), &text)
        }
        Command::Schema { markdown: false, events } => {
            let schema = if events { manual::events_schema() } else { schemars::schema_for!(Config).to_value() };
            output::json(&schema)?;
            Ok(output::OK)
        }
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "portcullis", &mut std::io::stdout());
            Ok(output::OK)
        }
    }
}
