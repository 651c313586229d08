//! The arguments of `exception`.

use clap::Subcommand;
use model::{ExceptionName, Span};

/// `exception`
#[derive(Subcommand)]
pub enum Exception {
    /// Spare an agent what a policy says, where that policy asks for an exception of this name.
    Add {
        /// What policies call it: words of a-z and 0-9 with `-` between them, as in change-freeze.
        name: ExceptionName,
        /// The agent.
        #[arg(long)]
        agent: String,
        /// The server on which; on every one when left out.
        #[arg(long)]
        server: Option<String>,
        /// Why: it goes into the audit log.
        #[arg(long)]
        reason: String,
        /// The person who answers for it. When they are disabled or revoked, it ends.
        #[arg(long)]
        owner: String,
        /// For how long, up to 90d.
        #[arg(long = "for", value_name = "TIME", value_parser = super::task::span)]
        lasts: Span,
    },
    /// The latest exceptions, newest first.
    List,
    /// End an exception before its time, on every node.
    End {
        /// The exception.
        id: String,
    },
}
