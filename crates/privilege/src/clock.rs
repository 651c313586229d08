//! `clock accept`: an operator says that the clock is right, after one that ran ahead made changes.
//!
//! Time never goes back by itself, so that nothing that ended lives again. One change from a clock that was a fortnight
//! ahead would stop every node for a fortnight: this is the way out, and it is recorded.

use model::{Actor, Event, Timestamp, event};
use store::{BEHIND, NoNodeRuns, PutRight, SealedKey, Tx, privilege::PrivilegeTx};

use crate::{
    Refused,
    key::{self, Urgency},
};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockAccepted {
    /// The time of the latest change before.
    pub was: Timestamp,
    /// What this machine's clock says.
    pub now: Timestamp,
    /// What ended.
    pub ended: PutRight,
}

/// Goes on from `wall`, what this machine's clock says. Ends what was given later than that, every elevation, session and
/// login under way, and every access token: `key` signs from now on.
///
/// `seen` says that no node runs; one that starts meanwhile is seen too.
pub async fn accept(
    tx: &mut Tx<'_>,
    wall: Timestamp,
    seen: &NoNodeRuns,
    key: &SealedKey,
    actor: Actor,
    reason: String,
) -> Result<([Event; 2], ClockAccepted), Refused> {
    let was = tx.now();
    // Little comes right by itself, and whoever accepts at the same time was a moment faster.
    if was <= wall.after(BEHIND) {
        return Err(Refused::ClockIsRight { last: was });
    }
    let ended = PrivilegeTx::of(tx).put_clock_right(wall, seen).await?;
    let (made, _) = key::rotate(tx, key, Urgency::Compromised, actor.clone()).await?;
    let accepted = event::ClockAccepted {
        was: was.into(),
        reason,
        grants_ended: ended.grants,
        installations_ended: ended.installations,
        elevations_ended: ended.elevations,
        sessions_ended: ended.sessions,
    };
    Ok(([accepted.by(actor), made], ClockAccepted { was, now: wall, ended }))
}
