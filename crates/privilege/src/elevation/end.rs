//! Ends of elevations: by hand, by time, by nobody deciding. (The last use: [`super::uses`]; a grant, a revocation: with
//! what ended.)

use model::{
    Actor, Elevation, Event, Id, Stage,
    event::{ElevationEnd, ElevationEnded},
};
use store::{StoreError, Tx, privilege::PrivilegeTx};

use crate::Refused;

/// Ends an elevation before its time, or withdraws the request for one. Who may is the caller's question.
pub async fn end(tx: &mut Tx<'_>, id: Id<Elevation>, actor: Actor) -> Result<Event, Refused> {
    let now = tx.now();
    let Some(elevation) = tx.elevation(&id).await? else { return Err(Refused::UnknownElevation(id)) };
    if !PrivilegeTx::of(tx).end_elevation(&id, now).await? {
        return Err(Refused::AlreadyOver(id));
    }
    tx.bump_epoch().await?;
    Ok(ElevationEnded::of(&elevation, ElevationEnd::ByHand).by(actor))
}

/// Writes down the end of one that ran out, or that nobody decided; no event when somebody was faster.
///
/// It ended by itself: the check at each call sees to that. This says so, that an end has a record like a beginning.
pub async fn elapse(tx: &mut Tx<'_>, elevation: &Elevation) -> Result<Option<Event>, StoreError> {
    let now = tx.now();
    let Some(elevation) = tx.elevation(&elevation.id).await? else { return Ok(None) };
    let cause = match &elevation.stage {
        Stage::Requested if now >= elevation.decide_before => ElevationEnd::NotDecided,
        Stage::Active(approval) if now >= approval.not_after => ElevationEnd::TimeOver,
        Stage::Active(_) if elevation.ends_with.idle_until.is_some_and(|until| now >= until) => {
            let ended = PrivilegeTx::of(tx).end_idle_elevation(&elevation.id).await?;
            return Ok(ended.then(|| ElevationEnded::of(&elevation, ElevationEnd::Idle).by(Actor::System)));
        }
        _ => return Ok(None),
    };
    let ended = PrivilegeTx::of(tx).end_elevation(&elevation.id, now).await?;
    Ok(ended.then(|| ElevationEnded::of(&elevation, cause).by(Actor::System)))
}
