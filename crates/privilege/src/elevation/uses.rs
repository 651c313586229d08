//! Uses of an elevation: taken before a call is sent, given back when it never left.

use model::{
    Actor, Elevation, ElevationState, Event, Grant, Id, Timestamp,
    event::{ElevationEnd, ElevationEnded, ElevationUseReturned},
};
use store::{StoreError, Tx, privilege::PrivilegeTx};

/// A use that was taken.
#[derive(Debug)]
pub struct Taken {
    /// Of which elevation.
    pub elevation: Id<Elevation>,
    /// The end of that.
    pub not_after: Timestamp,
    /// It was the last use: the record of the end.
    pub ended: Option<Event>,
}

/// Takes one use of a live elevation of `grant`; `None` when there is none to take.
pub async fn take(tx: &mut Tx<'_>, grant: &Id<Grant>, id: &Id<Elevation>) -> Result<Option<Taken>, StoreError> {
    let Some(elevation) = PrivilegeTx::of(tx).use_elevation_of(grant, id).await? else { return Ok(None) };
    let Some(not_after) = elevation.not_after() else { return Ok(None) };
    let is_over = elevation.state() == ElevationState::Ended;
    let ended = is_over.then(|| ElevationEnded::of(&elevation, ElevationEnd::UsedUp).by(Actor::System));
    Ok(Some(Taken { elevation: elevation.id, not_after, ended }))
}

/// Gives back the use that `request` took, because that call never left. What the last use ended goes on until
/// `not_after`, unless anything was taken away since `epoch`: nobody gets that back.
pub async fn give_back(
    tx: &mut Tx<'_>,
    grant: &Id<Grant>,
    id: &Id<Elevation>,
    not_after: Timestamp,
    epoch: Option<&str>,
    request: &str,
) -> Result<Option<Event>, StoreError> {
    let elevation = PrivilegeTx::of(tx).return_use_of(grant, id, not_after, epoch).await?;
    Ok(elevation.map(|elevation| ElevationUseReturned::of(&elevation, request).by(Actor::System)))
}
