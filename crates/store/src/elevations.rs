//! Elevations: asked for, decided, used, ended.

use model::{Agent, Elevation, Grant, Id, Scope, Timestamp};

use crate::{Store, StoreError, Tx};

impl Store {
    /// The elevation of that id.
    pub async fn elevation(&self, id: &Id<Elevation>) -> Result<Option<Elevation>, StoreError> {
        todo!()
    }

    /// The newest `limit` elevations, newest first.
    pub async fn elevations(&self, limit: u32) -> Result<Vec<Elevation>, StoreError> {
        todo!()
    }

    /// Those that wait for a decision at `now`, oldest first.
    pub async fn pending(&self, now: Timestamp) -> Result<Vec<Elevation>, StoreError> {
        todo!()
    }

    /// Those of a grant that may be used at `now`.
    pub async fn live_elevations(&self, grant: &Id<Grant>, now: Timestamp) -> Result<Vec<Elevation>, StoreError> {
        todo!()
    }
}

impl Tx<'_> {
    /// The elevation of that id.
    pub async fn elevation(&mut self, id: &Id<Elevation>) -> Result<Option<Elevation>, StoreError> {
        todo!()
    }

    /// The one that waits for a decision about this scope of this grant.
    pub async fn pending_for(
        &mut self,
        grant: &Id<Grant>,
        scope: &Scope,
        now: Timestamp,
    ) -> Result<Option<Elevation>, StoreError> {
        todo!()
    }

    /// How many of an agent's wait for a decision.
    pub async fn count_pending_of(&mut self, agent: &Id<Agent>, now: Timestamp) -> Result<u32, StoreError> {
        todo!()
    }

    /// Those of a grant that may be used at `now`.
    pub async fn live_elevations(&mut self, grant: &Id<Grant>, now: Timestamp) -> Result<Vec<Elevation>, StoreError> {
        todo!()
    }

    /// Adds an elevation in whatever state.
    pub async fn put_elevation(&mut self, elevation: &Elevation) -> Result<(), StoreError> {
        todo!()
    }

    /// Requested → active; `false` when it was decided before or had lapsed.
    pub async fn activate_elevation(
        &mut self,
        id: &Id<Elevation>,
        decided_by: &str,
        now: Timestamp,
        not_after: Timestamp,
    ) -> Result<bool, StoreError> {
        todo!()
    }

    /// Requested → denied; `false` when it was decided before or had lapsed.
    pub async fn deny_elevation(
        &mut self,
        id: &Id<Elevation>,
        decided_by: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        todo!()
    }

    /// Requested or active → ended; `false` when it was over before.
    pub async fn end_elevation(&mut self, id: &Id<Elevation>, now: Timestamp) -> Result<bool, StoreError> {
        todo!()
    }

    /// Takes one use of a live elevation of exactly this scope; the last use ends it.
    /// Of several callers no more than `max_uses` get an answer.
    pub async fn use_elevation(
        &mut self,
        grant: &Id<Grant>,
        scope: &Scope,
        now: Timestamp,
    ) -> Result<Option<Elevation>, StoreError> {
        todo!()
    }
}
