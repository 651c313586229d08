//! Where people decide on what agents ask for, and which agents are told so by their calls.
//!
//! Most agents ask the token endpoint again until it has been decided. The official SDKs take `authorization_pending` for
//! the end of their connection; an agent that is built on one says so (`pending: token`), gets what can be had, and hears
//! of the decision in the results of its calls.

use std::{collections::BTreeSet, sync::Arc};

use model::{
    Agent, Elevation, Id, Span, Timestamp,
    config::{Config, WhilePending},
};

/// Where people decide.
#[derive(Clone, Debug)]
pub struct AwaitedDecisions {
    /// The agents that are told.
    told: Arc<BTreeSet<Id<Agent>>>,
    console: String,
    /// How long a denial counts.
    denials: Span,
}

impl AwaitedDecisions {
    /// Of this installation.
    pub fn of(config: &Config) -> Self {
        let told = config.agents.iter().filter(|(_, agent)| agent.pending == WhilePending::Token);
        Self {
            told: Arc::new(told.map(|(id, _)| id.clone()).collect()),
            console: format!("{}/console/approvals", config.public_url.as_str()),
            denials: config.elevation.decide_within,
        }
    }

    /// Is this agent told by its calls?
    pub fn of_agent(&self, agent: &Id<Agent>) -> Option<&Self> {
        self.told.contains(agent).then_some(self)
    }

    /// The page on which it is decided.
    pub fn address(&self, elevation: &Id<Elevation>) -> String {
        format!("{}/{elevation}", self.console)
    }

    /// Does what was denied at `denied` still count? As long as a request may wait: so says the token endpoint too.
    pub fn still_counts(&self, denied: Timestamp, now: Timestamp) -> bool {
        denied > now.before(self.denials)
    }
}
