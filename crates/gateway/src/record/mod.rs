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

use model::{Id, Span, Task, Timestamp, ToolName, event::CallDecided};
use privilege::{
    authority::Basis,
    elevation::uses::{self, Taken},
    task,
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
            Basis::Standing if permit.call().task.is_none() && permit.principal().proof().is_none() => {
                store.record(decided.by(permit.principal().actor())).await.map(|_| Counted::Yes(None))
            }
            _ => counted(&permit, &store, decided).await,
        };
        match taken {
            Ok(Counted::Yes(lease)) => {
                let taken = |lease| {
                    let request = permit.call().request.to_string();
                    ElevationUse::taken(store.clone(), permit.principal().clone(), lease, request)
                };
                let used = lease.map(taken);
                let outcome = CallOutcome::of(permit.call(), permit.principal(), &store);
                Ok((Recorded { permit, used }, outcome))
            }
            Ok(Counted::UsedUp) => Err(NotRecorded::UsedUp(Box::new(permit))),
            Ok(Counted::Replayed) => Err(NotRecorded::Replayed(Box::new(permit))),
            Ok(Counted::TaskOver(task)) => Err(NotRecorded::TaskOver(Box::new(permit), task)),
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
    /// Its task ended meanwhile, or another call took the last one that it was good for.
    TaskOver(Box<Permit<Call>>, Id<Task>),
    /// Its proof came twice at once, here or at another node, and the other one was first.
    Replayed(Box<Permit<Call>>),
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
            task: self.call().task.as_ref().map(|task| task.id.clone()),
            excepted: self.permit.excepted().clone(),
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

/// What came of counting a call.
enum Counted {
    /// It counts, under that elevation if it rests on one.
    Yes(Option<Lease>),
    /// No use of the elevation is left.
    UsedUp,
    /// No call may be made in the task any more.
    TaskOver(Id<Task>),
    /// Its proof was used up by another request.
    Replayed,
}

/// Uses its proof up, counts the call for its task, takes a use of its elevation, and writes the decision down: in one transaction. So
/// there is one call to one proof, however many nodes it is shown to.
///
/// Spec: RFC 9449 §11.1
async fn counted(permit: &Permit<Call>, store: &Store, mut decided: CallDecided) -> Result<Counted, StoreError> {
    let actor = permit.principal().actor();
    let grant = permit.principal().grant().id.clone();
    let task = permit.call().task.as_ref().map(|task| task.id.clone());
    let elevation = match permit.basis() {
        Basis::Standing => None,
        Basis::Elevation { id, .. } => Some(id.clone()),
    };
    let proof = permit.principal().proof().cloned();
    store
        .write(move |tx| {
            Box::pin(async move {
                // What ends below without a record rolls this back, and the call is decided on again.
                if let Some(proof) = &proof
                    && !tx.use_proof(proof).await?
                {
                    return Ok(Commit::nothing(Counted::Replayed));
                }
                let mut ends = Vec::new();
                let mut lease = None;
                // INVARIANT: nothing is changed before it is known that both can be.
                if let Some(id) = &task
                    && !tx.task(id).await?.is_some_and(|task| task.is_open(tx.now()))
                {
                    return Ok(Commit::nothing(Counted::TaskOver(id.clone())));
                }
                if let Some(id) = elevation {
                    let Some(Taken { elevation, not_after, ended }) = uses::take(tx, &grant, &id).await? else {
                        return Ok(Commit::nothing(Counted::UsedUp));
                    };
                    lease = Some(Lease { id: elevation.clone(), not_after });
                    decided.elevation = Some(elevation);
                    ends.extend(ended);
                }
                if let Some(id) = &task {
                    let counted = task::uses::count(tx, id).await?;
                    ends.extend(counted.and_then(|counted| counted.ended));
                }
                Ok(ends.into_iter().fold(Commit::with(decided.by(actor), Counted::Yes(lease)), Commit::and))
            })
        })
        .await
}
