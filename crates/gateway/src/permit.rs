//! From a decision to its record: no record, no call.
//!
//! [`Permit`] is made by `authority::decide` alone, [`Recorded`] by [`Permit::record`] alone, and the
//! upstream client takes nothing but a [`Recorded`].
//!
//! An answer that nobody can account for later is not given.

use std::sync::Arc;

use model::{Elevation, ElevationState, Event, Id, Scope, StepUp};
use store::{Commit, Store, StoreError};

use crate::{
    authority::{Matter, Refused},
    call::Call,
    live::Live,
    record::{decided, ended_by_last_use},
    refusal::Refusal,
};

/// Policy allowed this one call.
#[derive(Debug)]
pub struct Permit<C> {
    call: C,
    live: Arc<Live>,
    matter: Matter,
    basis: Basis,
}

/// By what a call is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Basis {
    /// The standing grant.
    Standing,
    /// A use of the live elevation of this scope.
    Elevation {
        /// Its scope.
        scope: Scope,
        /// Who said yes.
        by: StepUp,
    },
}

/// The intent is on disk. Made by [`Permit::record`] alone.
#[derive(Debug)]
pub struct Recorded<C> {
    call: C,
    live: Arc<Live>,
    request: String,
}

/// Why there is no record, and so no call.
#[derive(Debug)]
pub enum NotRecorded {
    /// Another call took the last use of the elevation first.
    UsedUp(Box<Permit<Call>>),
    /// The store failed.
    Store(StoreError),
}

impl Permit<Call> {
    pub(crate) fn new(call: Call, live: Arc<Live>, matter: Matter, basis: Basis) -> Self {
        Self { call, live, matter, basis }
    }

    /// Writes the decision down, together with the use of the elevation it rests on.
    pub async fn record(self, store: &Store, policy: &str) -> Result<Recorded<Call>, NotRecorded> {
        let request = correlation();
        let event = decided(&self.call, &self.live, &self.matter, &self.basis, policy, &request);
        let outcome = match &self.basis {
            Basis::Standing => store.record(event).await.map(|_| true),
            Basis::Elevation { scope, .. } => {
                self.take_a_use(store, scope.clone(), event).await.map(|used| used.is_some())
            }
        };
        match outcome {
            Ok(true) => Ok(Recorded { call: self.call, live: self.live, request }),
            Ok(false) => Err(NotRecorded::UsedUp(Box::new(self))),
            Err(error) => Err(NotRecorded::Store(error)),
        }
    }

    async fn take_a_use(&self, store: &Store, scope: Scope, event: Event) -> Result<Option<Id<Elevation>>, StoreError> {
        let (grant, now) = (self.live.grant().id.clone(), store.now());
        store
            .write(move |tx| {
                Box::pin(async move {
                    let Some(elevation) = tx.use_elevation(&grant, &scope, now).await? else {
                        return Ok(Commit::nothing(None));
                    };
                    let mut commit = Commit::with(event.with("elevation", &elevation.id), Some(elevation.id.clone()));
                    if elevation.state == ElevationState::Ended {
                        commit = commit.and(ended_by_last_use(&elevation));
                    }
                    Ok(commit)
                })
            })
            .await
    }

    /// The same call, refused after all.
    pub fn refused(self, refusal: Refusal) -> Refused {
        Refused { refusal, call: self.call, live: self.live, tool: self.matter.tool, tier: Some(self.matter.tier) }
    }

    /// By what it is allowed.
    pub fn basis(&self) -> &Basis {
        &self.basis
    }

    /// What it is about.
    pub fn matter(&self) -> &Matter {
        &self.matter
    }

    /// The call.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// Who acts.
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }
}

impl Recorded<Call> {
    /// The call.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// Who acts.
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// The correlation id, which joins the record of the decision with that of the end.
    pub fn request(&self) -> &str {
        &self.request
    }
}

fn correlation() -> String {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    BASE64_URL_SAFE_NO_PAD.encode(token::random::<12>())
}
