//! The arguments of `notify`.

use clap::Subcommand;

/// `notify`
#[derive(Subcommand)]
pub enum Notify {
    /// Every receiver: what waits for it, since when it fails, what was given up.
    List,
    /// Send a message now, and say what came back. A receiver that had said 410 is told again when it takes this one.
    Test {
        /// The receiver, as `notify` has it.
        name: String,
    },
}
