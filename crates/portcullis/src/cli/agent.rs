//! `agent`: who acts here.

use std::path::PathBuf;

use clap::Subcommand;

/// `agent`
#[derive(Subcommand)]
pub enum Agent {
    /// Every agent.
    List,
    /// One agent with its grants.
    Show {
        /// The agent.
        name: String,
    },
    /// Make a key pair for an agent: the private key goes into a file, the public one is printed for the configuration.
    Keygen {
        /// The agent.
        name: String,
        /// The file of the private key; NAME.pem when left out. One that is there is never replaced.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Stop an agent until it is resumed.
    Suspend {
        /// The agent.
        name: String,
    },
    /// Let a suspended agent act again.
    Resume {
        /// The agent.
        name: String,
    },
    /// Make of what stands above the low tier for an agent what it has to ask for.
    Eligible {
        /// The agent.
        name: String,
        /// Take that back: what policies let it do stands again.
        #[arg(long)]
        off: bool,
    },
    /// Say who answers for what an agent is for, beside its owner.
    #[command(group(clap::ArgGroup::new("who").required(true).args(["person", "nobody"])))]
    Sponsor {
        /// The agent: one that acts for a person. Of another, the configuration says it.
        name: String,
        /// The person.
        person: Option<String>,
        /// Nobody any more.
        #[arg(long)]
        nobody: bool,
    },
    /// Stop an agent for good.
    Retire {
        /// The agent.
        name: String,
    },
}
