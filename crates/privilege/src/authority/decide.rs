//! One call, now: allowed, allowed after a step-up, or not.
//!
//! Next: the record of the decision, and with it the use of the elevation ([`crate::elevation::uses::take`]).

use model::{
    Authority, CallTarget, Decision, DenyReason, Elevation, Grant, Id, OtherCall, Scope, ScopeSet, StepUp, Task,
};
use policy::{Arguments, Policies, Untypable};
use store::{Store, StoreError, StoreSilent};

use super::{Approvals, Asker, Unfit, elevated};
use crate::{approvers::still_approved, latitude};

/// One call, by the grant and the credential that it comes with.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// Who calls.
    pub asker: Asker<'a>,
    /// The grant that the credential is of.
    pub grant: &'a Grant,
    /// What the credential itself names.
    pub credential: &'a ScopeSet,
    /// What is called.
    pub target: &'a CallTarget,
    /// What approvals cover here, and which call this is.
    pub approvals: Approvals<'a>,
    /// With what.
    pub arguments: Arguments<'a>,
    /// The task in which it is called: elevations of that one count, and none of another.
    pub task: Option<&'a Id<Task>>,
}

/// It may be called.
#[derive(Debug)]
pub struct Allowed {
    /// By what.
    pub basis: Basis,
    /// The ids of the policies that said so.
    pub policies: Vec<String>,
}

/// By what a call is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Basis {
    /// The standing grant.
    Standing,
    /// A use of a live elevation.
    Elevation {
        /// Which one.
        id: Id<Elevation>,
        /// Who said yes.
        by: StepUp,
    },
}

/// It may not be called, and what would have to be true.
#[derive(Debug)]
pub enum NotAllowed {
    /// Policy says no whatever is held.
    Denied {
        /// Why, as a stable word.
        reason: DenyReason,
        /// The policies that said so.
        policies: Vec<String>,
    },
    /// A policy allows it, or allows to ask for it, to whoever proves a key, and to nobody else.
    NeedsKey,
    /// The standing grant would be enough, but grant or token does not name this.
    Narrow(Scope),
    /// It takes an elevation of `scope`, and none is live.
    StepUp {
        /// What to ask for.
        scope: Scope,
        /// Who has to say yes.
        by: StepUp,
        /// What is live besides.
        live: Vec<Elevation>,
        /// One of these covers the scope, and not this call.
        unfit: Option<Box<(Id<Elevation>, Unfit)>>,
        /// What stands in the way, and what will allow it.
        policies: Vec<String>,
    },
    /// A policy looks at its arguments, and can not compare them.
    Untyped(Untypable),
    /// Nothing can be decided now, because the node has not heard from its store.
    Silent(StoreSilent),
    /// Nothing can be decided now, because the store failed.
    Store(StoreError),
}

/// Does its approver let it differ like this?
fn may_differ(
    store: &Store,
    (grant, task): (&Grant, Option<&Id<Task>>),
    approvals: Approvals<'_>,
    elevation: &Elevation,
) -> bool {
    let Some((exact, this)) = elevation.call.as_ref().zip(approvals.this()) else { return false };
    latitude::covers(store, (&grant.id, task), (&elevation.scope, exact), this)
}

/// Decides. The store is read for what is above the baseline alone.
///
/// # Errors
/// Why not, and what to do.
pub async fn decide(store: &Store, policies: &Policies, wanted: Wanted<'_>) -> Result<Allowed, NotAllowed> {
    let Wanted { asker, grant, credential, target, approvals, arguments, task } = wanted;
    let question = asker.question(&grant.server, target, Authority::Standing);
    let standing = policies.decide(&question, arguments).or_else(|why| match policies.decide_most(&question) {
        // Whoever may not call it whatever the arguments are is told that.
        denied @ Decision::Deny { .. } => Ok(denied),
        Decision::Allow { .. } | Decision::StepUp { .. } => Err(NotAllowed::Untyped(why)),
    });
    let (scope, by, in_the_way) = match standing? {
        Decision::Allow { policies } => {
            // The token may be narrower than its grant, and the grant narrower than policy (OAuth 2.1 §5.2).
            let low = Scope::Low(grant.server.clone());
            if !grant.scopes.covers(&low) || !credential.covers(&low) {
                return Err(NotAllowed::Narrow(low));
            }
            return Ok(Allowed { basis: Basis::Standing, policies });
        }
        Decision::Deny { reason, policies: by } => {
            let proved = asker.if_it_proved().map(|asker| asker.question(&grant.server, target, Authority::Standing));
            return Err(match proved.map(|question| policies.decide(&question, arguments)) {
                Some(Ok(Decision::Allow { .. } | Decision::StepUp { .. })) => NotAllowed::NeedsKey,
                Some(Ok(Decision::Deny { .. }) | Err(_)) | None => NotAllowed::Denied { reason, policies: by },
            });
        }
        Decision::StepUp { scope, by, policies } => (scope, by, policies),
    };
    // A clock that can not be right decides about nothing above the baseline.
    store.freshness().map_err(NotAllowed::Silent)?;
    let mut live = store.live_elevations(&grant.id, store.now()).await.map_err(NotAllowed::Store)?;
    live.retain(|elevation| elevation.ends_with.task.as_ref() == task);
    let mut unfit = None;
    let with = |authority| policies.decide(&asker.question(&grant.server, target, authority), arguments).ok();
    for by in elevated(&live, &scope, with) {
        let covered = match approvals.covered_by(by.elevation) {
            Err(Unfit::Other(OtherCall::Arguments)) if may_differ(store, (grant, task), approvals, by.elevation) => {
                Ok(())
            }
            covered => covered,
        };
        let fits = match covered {
            Ok(()) => {
                let approved = still_approved(store, policies, (asker.agent, grant), by.elevation).await;
                approved.map_err(NotAllowed::Store)?
            }
            Err(why) => Err(why),
        };
        match fits {
            Ok(()) => {
                let basis = Basis::Elevation { id: by.elevation.id.clone(), by: by.elevation.by };
                return Ok(Allowed { basis, policies: by.policies });
            }
            Err(why) => unfit = unfit.or_else(|| Some(Box::new((by.elevation.id.clone(), why)))),
        }
    }
    Err(NotAllowed::StepUp { scope, by, live, unfit, policies: in_the_way })
}
