//! Where people decide, how clients are told that somebody has to, and who is told of a decision by their calls.
//!
//! Most autonomous agents ask the token endpoint again until it has been decided. The official SDKs take
//! `authorization_pending` for the end of their connection; an agent that is built on one says so (`pending: token`), gets
//! what can be had, and hears of the decision in the results of its calls. So does everybody whose client is told by the
//! results of tools.

use std::sync::Arc;

use model::{
    Agent, AskedCall, Elevation, Id, Timestamp,
    config::{ChallengeStyle, Config, WhilePending},
};

/// Where people decide.
#[derive(Clone, Debug)]
pub struct AwaitedDecisions(Arc<Config>);

impl AwaitedDecisions {
    /// Of this installation.
    pub fn of(config: Arc<Config>) -> Self {
        Self(config)
    }

    /// How the client of this agent is told that a call needs more.
    pub fn style(&self, agent: &Agent) -> ChallengeStyle {
        self.0.challenge_style(agent)
    }

    /// Is this agent told by its calls what became of what it asked for?
    pub fn tells(&self, agent: &Agent) -> bool {
        let declared = self.0.agents.get(&agent.id);
        declared.is_some_and(|declared| declared.pending == WhilePending::Token)
            || self.style(agent) == ChallengeStyle::ToolError
    }

    /// The page on which it is decided.
    pub fn address(&self, elevation: &Id<Elevation>) -> String {
        format!("{}/console/approvals/{elevation}", self.0.public_url.as_str())
    }

    /// The page on which the person the agent acts for asks for a call, or allows what it lacks.
    pub fn address_to_ask(&self, asked: Option<&Id<AskedCall>>) -> String {
        let me = format!("{}/me", self.0.public_url.as_str());
        asked.map_or_else(|| me.clone(), |asked| format!("{me}/asked/{asked}"))
    }

    /// Does what was denied at `denied` still count? As long as a request may wait: so says the token endpoint too.
    pub fn still_counts(&self, denied: Timestamp, now: Timestamp) -> bool {
        denied > now.before(self.0.elevation.decide_within)
    }
}
