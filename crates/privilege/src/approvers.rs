//! Everybody whose approval an elevation rests on, and whether each of them may still give it.
//!
//! Asked when another one approves, when the same is asked for anew, and at each use: a role, a policy or a person may have
//! changed in the minutes between.
//!
//! Spec: NIST SP 800-53 AC-5, AC-3 (2).

use model::{Agent, Duty, Elevation, Grant, Id, Person, Quorum, StepUp, Target, Timestamp, Yes};
use policy::Policies;
use store::{Store, StoreError, Tx};

use crate::{
    authority::{Unfit, approve::approve},
    duty::{StandIn, stand_in},
    separation_of_duty::{DutyError, may_approve, may_stand_in},
};

/// What an approval is about.
pub type Case<'a> = (&'a Elevation, &'a Grant, &'a Agent);

/// One who approved, as they are now.
#[derive(Debug)]
pub(crate) struct Approver {
    pub(crate) yes: Yes,
    person: Option<Person>,
    /// When the kill switch was turned on them last.
    blocked: Option<Timestamp>,
    /// In whose name, when it was handed to them.
    stands_in: Option<StandIn>,
}

/// Those of `elevation`, as a node knows them.
pub(crate) async fn of_store(store: &Store, elevation: &Elevation) -> Result<Vec<Approver>, StoreError> {
    let blocks = store.blocks();
    let mut all = Vec::new();
    for yes in elevation.approvers() {
        let target = Target::Person(yes.by.clone());
        let blocked = blocks.iter().filter(|block| block.target == target).map(|block| block.at).max();
        let duty = match &yes.duty {
            Some((id, _)) => store.duty(id).await?,
            None => None,
        };
        let stands_in = match duty {
            Some(duty) => Some(stand_in::of_store(store, duty).await?),
            None => None,
        };
        all.push(Approver { person: store.person(&yes.by).await?, blocked, stands_in, yes });
    }
    Ok(all)
}

/// Those of `elevation`, as they stand inside this transaction.
pub(crate) async fn of_tx(tx: &mut Tx<'_>, elevation: &Elevation) -> Result<Vec<Approver>, StoreError> {
    let mut all = Vec::new();
    for yes in elevation.approvers() {
        let blocked = tx.last_blocked(&Target::Person(yes.by.clone())).await?;
        let duty = match &yes.duty {
            Some((id, _)) => tx.duty(id).await?,
            None => None,
        };
        let stands_in = match duty {
            Some(duty) => Some(stand_in::of_tx(tx, &duty).await?),
            None => None,
        };
        all.push(Approver { person: tx.person(&yes.by).await?, blocked, stands_in, yes });
    }
    Ok(all)
}

impl Approver {
    /// Who of those that count with it may not approve it any more, or was stopped since.
    pub(crate) fn gone(&self, policies: &Policies, case: Case<'_>, now: Timestamp) -> Option<Unfit> {
        let by = || Unfit::Approver(self.yes.by.clone());
        let Some(person) = &self.person else { return Some(by()) };
        if self.blocked.is_some_and(|blocked| blocked >= self.yes.at) {
            return Some(by());
        }
        let Some((_, from)) = &self.yes.duty else { return may(policies, person, case).err().map(|_| by()) };
        let in_name = || Unfit::InNameOf(from.clone());
        let Some(stands_in) = self.stands_in.as_ref().filter(|one| one.duty.from == *from) else {
            return Some(in_name());
        };
        if stands_in.duty.to != self.yes.by || stands_in.over(now).is_some() {
            return Some(in_name());
        }
        match may_in_name_of(policies, person, stands_in, case) {
            Ok(()) => None,
            Err(error) if error.person() == Some(&self.yes.by) => Some(by()),
            Err(_) => Some(in_name()),
        }
    }
}

/// How somebody decides.
#[derive(Debug)]
pub enum Way<'s> {
    /// By their own role.
    Own,
    /// In the name of somebody who handed it to them.
    InNameOf(&'s StandIn),
}

impl Way<'_> {
    /// The duty, and in whose name.
    pub(crate) fn duty(&self) -> Option<(Id<Duty>, Id<Person>)> {
        match self {
            Self::Own => None,
            Self::InNameOf(stands_in) => Some((stands_in.duty.id.clone(), stands_in.duty.from.clone())),
        }
    }
}

/// How `person` may approve it: by their own role, or else in the name of one of those who handed it to them. Who counts in it
/// already is not counted again.
///
/// # Errors
/// Why not.
pub fn way<'s>(
    policies: &Policies,
    person: &Person,
    stand_ins: &'s [StandIn],
    case: Case<'_>,
) -> Result<Way<'s>, DutyError> {
    let (elevation, grant, _) = case;
    let own = may(policies, person, case);
    let Err(DutyError::NotAnApprover(_)) = own else {
        let counted = elevation.quorum.given.iter().any(|yes| yes.in_name_of() == Some(&person.id));
        return match own {
            Ok(()) if counted => Err(DutyError::CountsAlready(person.id.clone())),
            own => own.map(|()| Way::Own),
        };
    };
    let mut why = own.err();
    for stands_in in stand_ins.iter().filter(|one| one.duty.covers(grant)) {
        let from = &stands_in.duty.from;
        // Whoever has decided in that name hears what they heard.
        let is_theirs = |yes: &Yes| yes.by == person.id && yes.in_name_of() == Some(from);
        let counted = elevation.quorum.counts(from) && !elevation.quorum.given.iter().any(is_theirs);
        match may_in_name_of(policies, person, stands_in, case) {
            Ok(()) if counted => why = Some(DutyError::CountsAlready(from.clone())),
            Ok(()) => return Ok(Way::InNameOf(stands_in)),
            Err(error) => why = Some(error),
        }
    }
    Err(why.unwrap_or_else(|| DutyError::NotAnApprover(person.id.clone())))
}

/// By their own role.
fn may(policies: &Policies, person: &Person, (elevation, grant, agent): Case<'_>) -> Result<(), DutyError> {
    may_approve(person, elevation, grant, agent)?;
    approve(policies, &person.id, (elevation, grant, agent))
}

/// In the name of an approver. Nobody gets around separation of duty by handing it over, nor around policy: both are asked of
/// both.
fn may_in_name_of(policies: &Policies, person: &Person, stands_in: &StandIn, case: Case<'_>) -> Result<(), DutyError> {
    let (elevation, grant, agent) = case;
    if !stands_in.duty.covers(grant) {
        return Err(DutyError::NotAnApprover(person.id.clone()));
    }
    may_stand_in(person, elevation, grant, agent)?;
    approve(policies, &person.id, case)?;
    match &stands_in.from {
        Some(from) => may(policies, from, case),
        None => Err(DutyError::NotAPerson(stands_in.duty.from.clone())),
    }
}

/// May all of them still approve, and are they as many as it takes?
///
/// # Errors
/// The first who may not, or that there are too few.
pub(crate) fn all_may_still(
    policies: &Policies,
    all: &[Approver],
    case: Case<'_>,
    now: Timestamp,
) -> Result<(), Unfit> {
    let (elevation, ..) = case;
    if elevation.by == StepUp::Consent {
        return Ok(());
    }
    if let Some(gone) = all.iter().find_map(|approver| approver.gone(policies, case, now)) {
        return Err(gone);
    }
    let given = all.iter().map(|approver| approver.yes.clone()).collect();
    match (Quorum { given, ..elevation.quorum.clone() }).is_reached() {
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
    Ok(all_may_still(policies, &all, (elevation, grant, agent), store.now()))
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
