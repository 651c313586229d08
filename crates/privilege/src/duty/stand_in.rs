//! Who stands in for whom now: a duty, with the two people as they are.

use model::{Duty, DutyEnd, Id, Person, Role, Target, Timestamp};
use store::{Store, StoreError, Tx};

/// A duty, with what it rests on.
#[derive(Clone, Debug)]
pub struct StandIn {
    /// The duty.
    pub duty: Duty,
    /// In whose name it is.
    pub(crate) from: Option<Person>,
    to: Option<Person>,
    /// When the kill switch was turned on either of them last.
    blocked: Option<Timestamp>,
}

impl StandIn {
    /// What has ended it by `now`, whether or not anybody has written that down.
    pub fn over(&self, now: Timestamp) -> Option<DutyEnd> {
        let is_there = |person: &Option<Person>| person.as_ref().is_some_and(|person| !person.disabled);
        match self.duty.ended {
            Some((cause, _)) => Some(cause),
            None if now >= self.duty.not_after => Some(DutyEnd::TimeOver),
            None if !is_there(&self.from) || !is_there(&self.to) => Some(DutyEnd::PersonGone),
            None if self.blocked.is_some_and(|blocked| blocked >= self.duty.since) => Some(DutyEnd::PersonGone),
            None if !self.from.as_ref().is_some_and(|from| from.holds(Role::Approver)) => Some(DutyEnd::RoleLost),
            None => None,
        }
    }
}

/// In whose name that person may decide now.
///
/// # Errors
/// The store failed.
pub async fn stand_ins(store: &Store, person: &Id<Person>) -> Result<Vec<StandIn>, StoreError> {
    let mut all = Vec::new();
    for duty in store.duties_to(person).await? {
        all.push(of_store(store, duty).await?);
    }
    let now = store.now();
    all.retain(|one| one.over(now).is_none());
    Ok(all)
}

/// The same, inside a transaction.
pub(crate) async fn stand_ins_in(tx: &mut Tx<'_>, person: &Id<Person>) -> Result<Vec<StandIn>, StoreError> {
    let mut all = Vec::new();
    for duty in tx.duties_to(person).await? {
        all.push(of_tx(tx, &duty).await?);
    }
    let now = tx.now();
    all.retain(|one| one.over(now).is_none());
    Ok(all)
}

pub(crate) async fn of_store(store: &Store, duty: Duty) -> Result<StandIn, StoreError> {
    let blocks = store.blocks();
    let targets = [Target::Person(duty.from.clone()), Target::Person(duty.to.clone())];
    let blocked = blocks.iter().filter(|block| targets.contains(&block.target)).map(|block| block.at).max();
    Ok(StandIn { from: store.person(&duty.from).await?, to: store.person(&duty.to).await?, blocked, duty })
}

pub(crate) async fn of_tx(tx: &mut Tx<'_>, duty: &Duty) -> Result<StandIn, StoreError> {
    let mut blocked = None;
    for person in [&duty.from, &duty.to] {
        blocked = blocked.max(tx.last_blocked(&Target::Person(person.clone())).await?);
    }
    let (from, to) = (tx.person(&duty.from).await?, tx.person(&duty.to).await?);
    Ok(StandIn { from, to, blocked, duty: duty.clone() })
}
