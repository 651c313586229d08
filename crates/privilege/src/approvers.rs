//! Everybody whose approval an elevation rests on, and whether each of them may still give it.
//!
//! Asked when another one approves, when the same is asked for anew, and at each use: a role, a policy or a person may have
//! changed in the minutes between.
//!
//! Spec: NIST SP 800-53 AC-5, AC-3 (2).

use model::{Agent, Elevation, Grant, Id, Person, StepUp, Target, Timestamp, Yes};
use policy::Policies;
use store::{Store, StoreError, Tx};

use crate::{
    authority::{Unfit, approve::approve},
    separation_of_duty::{DutyError, may_approve},
};

/// What an approval is about.
pub(crate) type Case<'a> = (&'a Elevation, &'a Grant, &'a Agent);

/// One who approved, as they are now.
#[derive(Debug)]
pub(crate) struct Approver {
    pub(crate) yes: Yes,
    person: Option<Person>,
    /// When the kill switch was turned on them last.
    blocked: Option<Timestamp>,
}

/// Those of `elevation`, as a node knows them.
pub(crate) async fn of_store(store: &Store, elevation: &Elevation) -> Result<Vec<Approver>, StoreError> {
    let blocks = store.blocks();
    let mut all = Vec::new();
    for yes in elevation.approvers() {
        let target = Target::Person(yes.by.clone());
        let blocked = blocks.iter().find(|block| block.target == target).map(|block| block.at);
        all.push(Approver { person: store.person(&yes.by).await?, blocked, yes });
    }
    Ok(all)
}

/// Those of `elevation`, as they stand inside this transaction.
pub(crate) async fn of_tx(tx: &mut Tx<'_>, elevation: &Elevation) -> Result<Vec<Approver>, StoreError> {
    let mut all = Vec::new();
    for yes in elevation.approvers() {
        let blocked = tx.last_blocked(&Target::Person(yes.by.clone())).await?;
        all.push(Approver { person: tx.person(&yes.by).await?, blocked, yes });
    }
    Ok(all)
}

impl Approver {
    /// May they still approve it, and was nothing taken away from them since they did?
    pub(crate) fn may_still(&self, policies: &Policies, (elevation, grant, agent): Case<'_>) -> Result<(), DutyError> {
        let nobody = || DutyError::NotAPerson(self.yes.by.clone());
        let person = self.person.as_ref().ok_or_else(nobody)?;
        if self.blocked.is_some_and(|blocked| blocked >= self.yes.at) {
            return Err(nobody());
        }
        may_approve(person, elevation, grant, agent)?;
        approve(policies, &person.id, (elevation, grant, agent))
    }
}

/// May all of them still approve, and are they as many as it takes?
///
/// # Errors
/// The first who may not, or that there are too few.
pub(crate) fn all_may_still(policies: &Policies, all: &[Approver], case: Case<'_>) -> Result<(), Unfit> {
    let (elevation, ..) = case;
    if elevation.by == StepUp::Consent {
        return Ok(());
    }
    if let Some(gone) = all.iter().find(|approver| approver.may_still(policies, case).is_err()) {
        return Err(Unfit::Approver(gone.yes.by.clone()));
    }
    let distinct: std::collections::BTreeSet<&Id<Person>> = all.iter().map(|approver| &approver.yes.by).collect();
    match distinct.len() >= elevation.quorum.needed.max(1) as usize {
        true => Ok(()),
        false => Err(Unfit::TooFew(elevation.quorum.needed)),
    }
}

/// May everybody who approved `elevation` still do so?
///
/// # Errors
/// The store failed; inside, who may not.
pub async fn still_approved(
    store: &Store,
    policies: &Policies,
    (agent, grant): (&Agent, &Grant),
    elevation: &Elevation,
) -> Result<Result<(), Unfit>, StoreError> {
    if elevation.by == StepUp::Consent {
        return Ok(Ok(()));
    }
    let all = of_store(store, elevation).await?;
    Ok(all_may_still(policies, &all, (elevation, grant, agent)))
}

/// Those of `elevations` that everybody who approved them may still approve: what is shown as in force to whom it belongs.
///
/// # Errors
/// The store failed.
pub async fn keep_approved(
    store: &Store,
    policies: &Policies,
    who: (&Agent, &Grant),
    elevations: &mut Vec<Elevation>,
) -> Result<(), StoreError> {
    let mut kept = Vec::with_capacity(elevations.len());
    for elevation in elevations.drain(..) {
        if still_approved(store, policies, who, &elevation).await?.is_ok() {
            kept.push(elevation);
        }
    }
    *elevations = kept;
    Ok(())
}
