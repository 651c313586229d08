//! The arguments of `task`.

use clap::Subcommand;
use model::Span;

/// `task`
#[derive(Subcommand)]
pub enum Task {
    /// Open a task of an agent.
    Open {
        /// The agent.
        agent: String,
        /// What it is for, in your words: who decides about privilege reads it.
        purpose: String,
        /// How long it lasts at the most, up to 8h.
        #[arg(long, value_name = "TIME", default_value = "2h", value_parser = span)]
        lasts: Span,
        /// It ends when nothing was called for so long; 0s: that does not end it.
        #[arg(long, value_name = "TIME", default_value = "15m", value_parser = span)]
        idle: Span,
        /// Calls it is good for.
        #[arg(long, value_name = "NUMBER")]
        uses: Option<u32>,
    },
    /// The latest tasks, newest first.
    List,
    /// One task.
    Show {
        /// The task.
        id: String,
    },
    /// End a task with all its privilege; of one that its agent said to be complete, this confirms it.
    End {
        /// The task.
        id: String,
    },
}

/// A length of time as the configuration has it.
pub(super) fn span(text: &str) -> Result<Span, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}
