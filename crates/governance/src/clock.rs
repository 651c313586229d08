//! `clock accept`: an operator says that the clock is right, after one that ran ahead made changes.
//!
//! Time never goes back by itself, so that nothing that ended lives again. One change from a clock that was a fortnight
//! ahead would stop every node for a fortnight: this is the way out, and it is recorded.

use model::{Actor, Event, EventName, Timestamp};
use store::{BEHIND, Commit, PutRight, Store};

use crate::{GovernanceError, Urgency, keys, revocation::said};

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

/// Goes on from what this machine's clock says. Ends what was given later than that, every elevation, session and login
/// under way, and every access token. For [`store::USED_VALUES_UNKNOWN`] no client assertion is accepted.
///
/// Takes as long as a node may be silent, to see whether one runs. One that starts meanwhile is seen too.
pub async fn accept_clock(store: &Store, actor: Actor, reason: &str) -> Result<ClockAccepted, GovernanceError> {
    let reason = said(reason)?;
    let seen = store.no_node_runs().await?;
    let (wall, key) = (store.clock().now(), store.new_access_key());
    store
        .write(move |tx| {
            Box::pin(async move {
                let was = tx.now();
                // Little comes right by itself, and whoever accepts at the same time was a moment faster.
                if was <= wall.after(BEHIND) {
                    return Err(GovernanceError::ClockIsRight { last: was });
                }
                let ended = tx.put_clock_right(wall, &seen).await?;
                let (made, _) = keys::rotate(tx, &key, Urgency::Compromised, actor.clone()).await?;
                let event = Event::new(EventName::ClockAccepted, actor)
                    .with("was", was)
                    .with("reason", reason)
                    .count("grants_ended", ended.grants)
                    .count("installations_ended", ended.installations)
                    .count("elevations_ended", ended.elevations)
                    .count("sessions_ended", ended.sessions);
                Ok(Commit::with(event, ClockAccepted { was, now: wall, ended }).and(made))
            })
        })
        .await
}
