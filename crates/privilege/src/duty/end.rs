//! Ends of duties: by hand, and by themselves. (With a person or a role: in the transaction that takes those.)

use model::{Actor, Duty, DutyEnd, Event, Id, Role, event::DutyEnded};
use store::{StoreError, Tx, privilege::PrivilegeTx};

use crate::Refused;

/// Ends one before its time. Who may is the caller's question.
///
/// # Errors
/// It is not there, or over.
pub async fn end(tx: &mut Tx<'_>, id: &Id<Duty>, actor: Actor) -> Result<Event, Refused> {
    let now = tx.now();
    let Some(duty) = tx.duty(id).await? else { return Err(Refused::UnknownDuty(id.clone())) };
    if duty.is_over(now) || !PrivilegeTx::of(tx).end_duty(id, DutyEnd::ByHand, now).await? {
        return Err(Refused::DutyOver(id.clone()));
    }
    Ok(DutyEnded::of(&duty, DutyEnd::ByHand).by(actor))
}

/// Writes down the end of one that is over by its time or with what it rests on; no event when it is not, or somebody was
/// faster.
///
/// # Errors
/// The store failed.
pub async fn elapse(tx: &mut Tx<'_>, id: &Id<Duty>) -> Result<Option<Event>, StoreError> {
    let now = tx.now();
    let Some(duty) = tx.duty(id).await?.filter(|duty| duty.ended.is_none()) else { return Ok(None) };
    let cause = match super::stand_in::of_tx(tx, &duty).await?.over(now) {
        Some(cause) => cause,
        None => return Ok(None),
    };
    let at = if cause == DutyEnd::TimeOver { duty.not_after } else { now };
    let ended = PrivilegeTx::of(tx).end_duty(id, cause, at).await?;
    Ok(ended.then(|| DutyEnded::of(&duty, cause).by(Actor::System)))
}

/// May a person with these roles end it? Either of the two, and whoever administers.
pub fn may_end(duty: &Duty, person: &model::Person) -> bool {
    duty.from == person.id || duty.to == person.id || person.holds(Role::Admin)
}
