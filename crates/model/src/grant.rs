//! Grants: who let which agent do what, where, for whom.

use serde::{Deserialize, Serialize};

use crate::{Agent, Id, Person, ScopeSet, Server, Timestamp, id::Minted};

/// A standing permission of one agent on one server: the baseline, never more.
///
/// There is one live grant per (agent, server). Everything above the baseline is an
/// [`crate::Elevation`] that belongs to it and ends before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its id; carried by every token issued under it.
    pub id: Id<Grant>,
    /// Who may act.
    pub agent: Id<Agent>,
    /// For whom; `None` for an autonomous agent.
    pub person: Option<Id<Person>>,
    /// Where.
    pub server: Id<Server>,
    /// What, standing.
    pub scopes: ScopeSet,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when at the latest.
    pub not_after: Timestamp,
    /// When it was ended early, if it was.
    pub ended_at: Option<Timestamp>,
}

impl Minted for Grant {
    const PREFIX: &'static str = "grt";
}

impl Grant {
    /// Was it ended before its time?
    pub fn is_ended_early(&self) -> bool {
        self.ended_at.is_some_and(|ended| ended < self.not_after)
    }

    /// Does it stand at `now`?
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && now < self.not_after
    }
}
