//! The arguments of `duty`.

use clap::Subcommand;
use model::Span;

use super::task::span;

/// `duty`
#[derive(Subcommand)]
pub enum Duty {
    /// Hand the approving of one person to another, until a time.
    Delegate {
        /// In whose name: an approver.
        from: String,
        /// Who decides.
        to: String,
        /// For how long, up to 30d.
        #[arg(long = "for", value_name = "TIME", value_parser = span)]
        lasts: Span,
        /// For requests of this server alone.
        #[arg(long, value_name = "SERVER")]
        server: Option<String>,
    },
    /// The latest, newest first.
    List,
    /// End one before its time.
    End {
        /// The duty.
        id: String,
    },
}
