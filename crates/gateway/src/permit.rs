//! From a decision to its record: no record, no call.
//!
//! [`Permit`] is made by `authority::decide` alone, [`Recorded`] by [`Permit::record`] alone, and the
//! upstream client takes nothing but a [`Recorded`].
//!
//! An answer that nobody can account for later is not given.

use std::sync::Arc;

use model::{
    Actor, CallTarget, Elevation, Id, Span, StepUp, Timestamp, ToolName,
    event::{CallDecided, Facts},
};
use privilege::{
    authority::{Allowed, Basis},
    elevation::uses::{self, Taken},
};
use store::{Commit, Store, StoreError};

use crate::{
    authority::{self, Refused},
    call::Call,
    ending::Ending,
    ground::{Ground, Lease, Lost},
    lasting::Lasting,
    live::Live,
    record::decided,
    refusal::Refusal,
    sent::NothingLeft,
    to_the_end::ToTheEnd,
    used::Used,
};

/// Policy allowed this one call.
#[derive(Debug)]
pub struct Permit<C> {
    call: C,
    live: Arc<Live>,
    target: CallTarget,
    basis: Basis,
    /// The ids of those that said so.
    policies: Vec<String>,
    /// How old the facts were.
    facts: Facts,
}

/// The intent is on disk. Made by [`Permit::record`] alone.
#[derive(Debug)]
pub struct Recorded<C> {
    permit: Permit<C>,
    used: Option<Used>,
    request: Box<str>,
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
    pub(crate) fn new(
        call: Call,
        live: Arc<Live>,
        target: CallTarget,
        Allowed { basis, policies }: Allowed,
        facts: Facts,
    ) -> Self {
        Self { call, live, target, basis, policies, facts }
    }

    pub(crate) fn call(&self) -> &Call {
        &self.call
    }

    pub(crate) fn live(&self) -> &Live {
        &self.live
    }

    pub(crate) fn target(&self) -> &CallTarget {
        &self.target
    }

    pub(crate) fn basis(&self) -> &Basis {
        &self.basis
    }

    pub(crate) fn policies(&self) -> &[String] {
        &self.policies
    }

    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Writes the decision down, together with the use of the elevation it rests on.
    ///
    /// What has begun is brought to its end: when nobody waits any more, the outcome is written down as well.
    pub async fn record(self, store: &Store, policy: &str) -> Result<(Recorded<Call>, Ending), NotRecorded> {
        let decided = decided(&self, policy);
        let request = self.call.request.clone();
        let store = store.clone();
        ToTheEnd::of(async move {
            let taken = match &self.basis {
                Basis::Standing => store.record(decided.by(self.actor())).await.map(|_| Some(None)),
                Basis::Elevation { id, .. } => {
                    let lease = self.take_a_use(&store, id.clone(), decided).await;
                    lease.map(|lease| lease.map(Some))
                }
            };
            match taken {
                Ok(Some(lease)) => {
                    let used = |lease| Used::taken(store.clone(), self.live.clone(), lease, request.to_string());
                    let used = lease.map(used);
                    let recorded = Recorded { permit: self, used, request };
                    let ending = Ending::of(&recorded, &store);
                    Ok((recorded, ending))
                }
                Ok(None) => Err(NotRecorded::UsedUp(Box::new(self))),
                Err(error) => Err(NotRecorded::Store(error)),
            }
        })
        .await
    }

    fn actor(&self) -> Actor {
        Actor::Agent(self.live.agent().id.clone())
    }

    async fn take_a_use(
        &self,
        store: &Store,
        id: Id<Elevation>,
        mut decided: CallDecided,
    ) -> Result<Option<Lease>, StoreError> {
        let actor = self.actor();
        let grant = self.live.grant().id.clone();
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

    /// The call and who acts, to decide on again.
    pub fn undecided(self) -> (Call, Arc<Live>) {
        (self.call, self.live)
    }

    /// The elevation that it rests on is over: what to ask for.
    pub fn step_up(&self) -> Refusal {
        let by = match self.basis {
            Basis::Elevation { by, .. } => by,
            Basis::Standing => StepUp::Consent,
        };
        let scope = self.target.scope(&self.call.server.id);
        authority::step_up(&self.call, &self.live, &self.target, scope, by, &[])
    }

    /// The same call, refused after all.
    pub fn refused(self, refusal: Refusal) -> Refused {
        let Self { call, live, target, policies, .. } = self;
        Refused { refusal, call, live, target: Some(target), policies }
    }
}

impl Recorded<Call> {
    /// The call.
    pub fn call(&self) -> &Call {
        &self.permit.call
    }

    /// Who acts.
    pub fn live(&self) -> &Arc<Live> {
        &self.permit.live
    }

    /// What has to hold until the answer is over, of a call that may take as long as `longest`.
    pub fn ground(&self, now: Timestamp, longest: Span) -> Ground {
        Ground {
            live: self.permit.live.clone(),
            tool: self.tool().cloned(),
            elevation: self.used.as_ref().map(|used| used.lease().clone()),
            lasting: if self.call().listens() { Lasting::Listening } else { Lasting::call(now, longest) },
        }
    }

    /// What the client is told when that does not hold any more before anything left.
    pub fn refusal(&self, lost: Lost) -> Refusal {
        match lost {
            Lost::Principal(refusal) => refusal,
            Lost::Tool => Refusal::Blocked,
            Lost::Elevation => self.permit.step_up(),
            Lost::Expired => Refusal::InvalidToken("the token has expired"),
            Lost::Over(_) => Refusal::Unavailable,
        }
    }

    /// What the client is told once it may have been sent. What only listens is asked for again without harm.
    pub fn cut(&self, lost: Lost) -> Refusal {
        if self.call().message().is_none() || self.call().listens() {
            return self.refusal(lost);
        }
        Refusal::MayBeDone(lost.told())
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

    /// The correlation id, which joins the record of the decision with that of the end.
    pub fn request(&self) -> &str {
        &self.request
    }

    /// What it acts on.
    pub fn tool(&self) -> Option<&ToolName> {
        self.permit.target.tool()
    }
}
