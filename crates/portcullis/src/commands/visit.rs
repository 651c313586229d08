//! A command that visits an installation.

use std::{path::PathBuf, process::ExitCode};

use ::store::Store;
use anyhow::{Context, Result};
use model::config::Config;

use crate::{
    config::{self, Needs},
    node, output,
};

/// So many rows of a list are read at a time.
pub const AT_A_TIME: u32 = 500;

/// A command that visits an installation: which one, and how to print.
pub struct Visit {
    pub file: PathBuf,
    pub json: bool,
}

impl Visit {
    /// The configuration, with what deserves a loud word in it.
    pub fn load(&self, needs: Needs) -> Result<config::Loaded> {
        Ok(config::load(&self.file, needs)?)
    }

    /// The configuration.
    pub fn config(&self, needs: Needs) -> Result<Config> {
        Ok(self.load(needs)?.config)
    }

    /// The configuration and its store, beside whatever serves from it. Nothing is made: a visitor who comes to the
    /// wrong place must hear so, and not find an empty installation that does as it is told.
    pub async fn open(&self) -> Result<(Config, Store)> {
        self.open_or(::store::Missing::IsRefused).await
    }

    /// Answers in the form that was asked for.
    pub fn tell(&self, value: &impl serde::Serialize, said: impl AsRef<str>) -> Result<ExitCode> {
        if self.json {
            output::json(value)?;
        } else {
            output::line(said);
        }
        Ok(output::OK)
    }

    pub async fn open_or(&self, missing: ::store::Missing) -> Result<(Config, Store)> {
        node::log_to_stderr("error");
        let config = self.config(Needs::Store)?;
        let store =
            node::open_store(&config, None, missing).await.with_context(|| format!("{}", self.file.display()))?;
        Ok((config, store))
    }
}
