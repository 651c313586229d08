//! The commands, one file per noun. Each opens what it needs, calls one use case, prints.

mod agent;
mod audit;
mod check;
mod demo;
mod elevation;
mod grant;
mod init;
mod key;
mod kill;
mod person;
mod policy;
mod serve;
mod server;

use std::process::ExitCode;

use anyhow::Result;
use clap::CommandFactory;
use model::config::Config;
use store::Store;

use crate::{
    cli::{Cli, Command},
    config, node, output,
};

/// Runs one command.
pub async fn run(cli: Cli) -> Result<ExitCode> {
    let visit = Visit { file: cli.config, json: cli.json };
    match cli.command {
        Command::Serve => serve::run(&visit).await,
        Command::Demo(options) => demo::run(options).await,
        Command::Init(options) => init::run(&visit, options).await,
        Command::Check => check::run(&visit).await,
        Command::Person(command) => person::run(&visit, command).await,
        Command::Agent(command) => agent::run(&visit, command).await,
        Command::Server(command) => server::run(&visit, command).await,
        Command::Tool(command) => server::run_tool(&visit, command).await,
        Command::Grant(command) => grant::run(&visit, command).await,
        Command::Elevation(command) => elevation::run(&visit, command).await,
        Command::Revoke(kill) => kill::revoke(&visit, kill).await,
        Command::Restore(kill) => kill::restore(&visit, kill).await,
        Command::Key(command) => key::run(&visit, command).await,
        Command::Policy(command) => policy::run(&visit, command),
        Command::Audit(command) => audit::run(&visit, command).await,
        Command::Schema { markdown: true } => {
            output::line(config::markdown());
            Ok(output::OK)
        }
        Command::Schema { markdown: false } => {
            output::json(&schemars::schema_for!(Config))?;
            Ok(output::OK)
        }
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "portcullis", &mut std::io::stdout());
            Ok(output::OK)
        }
    }
}

/// A command that visits an installation: which one, and how to print.
pub struct Visit {
    file: std::path::PathBuf,
    json: bool,
}

impl Visit {
    /// The configuration, with what deserves a loud word in it.
    fn load(&self) -> Result<config::Loaded> {
        Ok(config::load(&self.file)?)
    }

    /// The configuration.
    fn config(&self) -> Result<Config> {
        Ok(self.load()?.config)
    }

    /// The configuration and its store, beside whatever serves from it.
    async fn open(&self) -> Result<(Config, Store)> {
        node::log_to_stderr("error");
        let config = self.config()?;
        let store = node::open_store(&config, None).await?;
        Ok((config, store))
    }
}
