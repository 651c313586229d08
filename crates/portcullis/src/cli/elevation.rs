//! The arguments of `elevation`.

use clap::Subcommand;

/// `elevation`
#[derive(Subcommand)]
pub enum Elevation {
    /// The latest elevations; those that wait come first.
    List,
    /// One elevation.
    Show {
        /// The elevation.
        id: String,
    },
    /// Approve a request.
    Approve {
        /// The elevation.
        id: String,
        /// The approver: a person with the role, and neither the owner nor the requester.
        #[arg(long = "as", value_name = "PERSON")]
        approver: String,
        /// Shorten it: it lasts so many seconds.
        #[arg(long, value_name = "SECONDS")]
        lasts: Option<u32>,
        /// The number that whoever asked for it sees, where that is asked for.
        #[arg(long, value_name = "NUMBER")]
        number: Option<u32>,
        /// Let this argument of the one call be anything; may be repeated.
        #[arg(long, value_name = "ARGUMENT")]
        any: Vec<String>,
        /// Let this number of the one call be what it is, or less; may be repeated.
        #[arg(long, value_name = "ARGUMENT")]
        at_most: Vec<String>,
        /// For so many calls, where arguments may differ: 1 to 20.
        #[arg(long, value_name = "CALLS")]
        uses: Option<u32>,
    },
    /// Deny a request.
    Deny {
        /// The elevation.
        id: String,
        /// The person who denies.
        #[arg(long = "as", value_name = "PERSON")]
        approver: String,
    },
    /// End an elevation that is in force.
    End {
        /// The elevation.
        id: String,
    },
}
