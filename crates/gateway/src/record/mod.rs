//! From a permit to its record: no record, no call.
//!
//! [`Recorded`] is made by [`record`] alone, and the upstream client takes nothing else.
//!
//! An answer that nobody can account for later is not given.
//!
//! Next: `upstream::send::send`.

mod decided;
pub mod described;

use std::sync::Arc;

use model::{Elevation, Id, Span, Timestamp, ToolName, event::CallDecided};
use privilege::{
    authority::Basis,
    elevation::uses::{self, Taken},
};
use store::{Commit, Store, StoreError};

use crate::{
    call::Call,
    call_outcome::CallOutcome,
    conditions::{Conditions, Lease},
    detached::Detached,
    elevation_use::ElevationUse,
    lifetime::Lifetime,
    permit::Permit,
    principal::Principal,
    upstream::send_error::NothingLeft,
};

/// Writes the decision down, together with the use of the elevation it rests on. `policy` is the digest of the policies.
///
/// What has begun is brought to its end: when nobody waits any more, the outcome is written down as well.
pub async fn record(
    permit: Permit<Call>,
    store: &Store,
    policy: &str,
) -> Result<(Recorded<Call>, CallOutcome), NotRecorded> {
    let decided = decided::decided(&permit, policy);
    let store = store.clone();
    Detached::of(async move {
        let taken = match permit.basis() {
            Basis::Standing => store.record(decided.by(permit.principal().actor())).await.map(|_| Some(None)),
            Basis::Elevation { id, .. } => {
                let lease = take_a_use(&permit, &store, id.clone(), decided).await;
                lease.map(|lease| lease.map(Some))
            }
        };
        match taken {
            Ok(Some(lease)) => {
                let taken = |lease| {
                    let request = permit.call().request.to_string();
                    ElevationUse::taken(store.clone(), permit.principal().clone(), lease, request)
                };
                let used = lease.map(taken);
                let outcome = CallOutcome::of(permit.call(), permit.principal(), &store);
                Ok((Recorded { permit, used }, outcome))
            }
            Ok(None) => Err(NotRecorded::UsedUp(Box::new(permit))),
            Err(error) => Err(NotRecorded::Store(error)),
        }
    })
    .await
}

/// The intent is on disk. Made by [`record`] alone.
#[derive(Debug)]
pub struct Recorded<C> {
    permit: Permit<C>,
    used: Option<ElevationUse>,
}

/// Why there is no record, and so no call.
#[derive(Debug)]
pub enum NotRecorded {
    /// Another call took the last use of the elevation first.
    UsedUp(Box<Permit<Call>>),
    /// The store failed.
    Store(StoreError),
}

impl Recorded<Call> {
    /// The call.
    pub fn call(&self) -> &Call {
        self.permit.call()
    }

    /// Who acts.
    pub fn principal(&self) -> &Arc<Principal> {
        self.permit.principal()
    }

    /// What has to hold until the answer is over, of a call that may take as long as `longest`.
    pub fn conditions(&self, now: Timestamp, longest: Span) -> Conditions {
        Conditions {
            principal: self.permit.principal().clone(),
            tool: self.tool().cloned(),
            elevation: self.used.as_ref().map(|used| used.lease().clone()),
            lifetime: if self.call().listens() { Lifetime::Listening } else { Lifetime::call(now, longest) },
        }
    }

    /// What was allowed.
    pub fn permit(&self) -> &Permit<Call> {
        &self.permit
    }

    /// From now on it may be carried out.
    pub fn leave(&mut self) {
        if let Some(used) = &mut self.used {
            used.is_leaving();
        }
    }

    /// Gives the use of the elevation back, because the call never left.
    pub async fn give_back(&mut self, proof: NothingLeft) {
        if let Some(used) = self.used.take() {
            used.give_back(proof).await;
        }
    }

    /// What it acts on.
    pub fn tool(&self) -> Option<&ToolName> {
        self.permit.target().tool()
    }
}

/// Takes a use of the elevation and writes the decision down, in one transaction; `None` when none is left.
async fn take_a_use(
    permit: &Permit<Call>,
    store: &Store,
    id: Id<Elevation>,
    mut decided: CallDecided,
) -> Result<Option<Lease>, StoreError> {
    let actor = permit.principal().actor();
    let grant = permit.principal().grant().id.clone();
    store
        .write(move |tx| {
            Box::pin(async move {
                let Some(Taken { elevation, not_after, ended }) = uses::take(tx, &grant, &id).await? else {
                    return Ok(Commit::nothing(None));
                };
                let lease = Some(Lease { id: elevation.clone(), not_after });
                decided.elevation = Some(elevation);
                let commit = Commit::with(decided.by(actor), lease);
                Ok(ended.into_iter().fold(commit, Commit::and))
            })
        })
        .await
}
