//! Grants, and whether what hangs on one still stands.

use model::{Agent, Grant, Id, ScopeSet, Server, Timestamp};

use crate::{Store, StoreError, Tx};

/// Everything that must be alive for a call under a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The grant, ended or not.
    pub grant: Grant,
    /// Its agent, in whatever state.
    pub agent: Agent,
    /// The person it acts for, or the agent's owner, is disabled or unknown.
    pub person_disabled: bool,
}

impl Store {
    /// The grant of that id, ended or not.
    pub async fn grant(&self, id: &Id<Grant>) -> Result<Option<Grant>, StoreError> {
        todo!()
    }

    /// The live grant of an agent on a server.
    pub async fn live_grant(
        &self,
        agent: &Id<Agent>,
        server: &Id<Server>,
        now: Timestamp,
    ) -> Result<Option<Grant>, StoreError> {
        todo!()
    }

    /// Grants, newest first; with `live_only`, those that stand at that time.
    pub async fn grants(&self, live_only: Option<Timestamp>) -> Result<Vec<Grant>, StoreError> {
        todo!()
    }

    /// Every grant of an agent, newest first.
    pub async fn grants_of(&self, agent: &Id<Agent>) -> Result<Vec<Grant>, StoreError> {
        todo!()
    }

    /// All that must be alive for a call under the grant.
    pub async fn standing(&self, id: &Id<Grant>) -> Result<Option<Standing>, StoreError> {
        todo!()
    }
}

impl Tx<'_> {
    /// The grant of that id, ended or not.
    pub async fn grant(&mut self, id: &Id<Grant>) -> Result<Option<Grant>, StoreError> {
        todo!()
    }

    /// The live grant of an agent on a server.
    pub async fn live_grant(
        &mut self,
        agent: &Id<Agent>,
        server: &Id<Server>,
        now: Timestamp,
    ) -> Result<Option<Grant>, StoreError> {
        todo!()
    }

    /// Adds a grant. An expired one of the same agent and server is ended first; a live one makes this fail.
    pub async fn put_grant(&mut self, grant: &Grant) -> Result<(), StoreError> {
        todo!()
    }

    /// Gives a live grant a new baseline and a new end.
    pub async fn extend_grant(
        &mut self,
        id: &Id<Grant>,
        scopes: &ScopeSet,
        not_after: Timestamp,
    ) -> Result<(), StoreError> {
        todo!()
    }

    /// Ends a grant with its elevations, codes and refresh tokens; `false` when it had ended before.
    pub async fn end_grant(&mut self, id: &Id<Grant>, now: Timestamp) -> Result<bool, StoreError> {
        todo!()
    }
}
