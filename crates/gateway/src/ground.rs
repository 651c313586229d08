//! What a call that was decided on rests on, for as long as it lasts.
//!
//! A decision is about a moment. Between it and the last byte of the answer the principal may be revoked,
//! the tool switched off, or the elevation ended: whatever a call rested on has to hold until then.

use std::sync::Arc;

use model::{Elevation, ElevationState, Id, Timestamp, ToolName};

use crate::{
    live::{Live, Verifier},
    refusal::Refusal,
};

/// Principal, tool and elevation of a call.
#[derive(Debug, Clone)]
pub struct Ground {
    pub(crate) live: Arc<Live>,
    pub(crate) tool: Option<ToolName>,
    pub(crate) elevation: Option<Lease>,
}

/// An elevation of which a use was taken.
#[derive(Debug, Clone)]
pub struct Lease {
    /// Which one.
    pub id: Id<Elevation>,
    /// Its end.
    pub not_after: Timestamp,
}

/// What does not hold any more.
#[derive(Debug)]
pub enum Lost {
    /// The principal is dead, or cannot be asked after.
    Principal(Refusal),
    /// The tool was switched off.
    Tool,
    /// The elevation ran out or was ended.
    Elevation,
}

impl Ground {
    /// Is everything as it was decided on? At once under an unchanged epoch, otherwise by asking the store again.
    pub async fn stands(&mut self, verifier: &Verifier) -> Result<(), Lost> {
        let store = verifier.store();
        let live = verifier.still_live(&self.live).await.map_err(|dead| Lost::Principal(dead.refusal))?;
        self.in_time(store.now())?;
        if live.epoch() == self.live.epoch() {
            return Ok(());
        }
        if self.tool.as_ref().is_some_and(|tool| live.tool_is_stopped(tool)) {
            return Err(Lost::Tool);
        }
        if let Some(Lease { id, .. }) = &self.elevation {
            let elevation = store.elevation(id).await.map_err(|error| {
                tracing::error!(event = "store_failed", %error);
                Lost::Principal(Refusal::Unavailable)
            })?;
            if !elevation.is_some_and(|elevation| is_in_force(&elevation, store.now())) {
                return Err(Lost::Elevation);
            }
        }
        self.live = live;
        Ok(())
    }

    /// Has nothing of it run out?
    pub fn in_time(&self, now: Timestamp) -> Result<(), Lost> {
        self.live.in_time(now).map_err(Lost::Principal)?;
        match &self.elevation {
            Some(lease) if now >= lease.not_after => Err(Lost::Elevation),
            _ => Ok(()),
        }
    }

    /// Who acts.
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// The epoch under which it was found to stand.
    pub fn epoch(&self) -> u64 {
        self.live.epoch()
    }
}

/// A use that was taken is good until the end, also when it was the last one.
fn is_in_force(elevation: &Elevation, now: Timestamp) -> bool {
    let used_up = elevation.state == ElevationState::Ended && elevation.uses >= elevation.max_uses;
    let stands = elevation.state == ElevationState::Active || used_up;
    stands && elevation.not_after.is_some_and(|end| now < end)
}
