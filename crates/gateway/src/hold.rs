//! A call that is held for the decision of a person, for as long as the operator wants.
//!
//! A model that is told to call again does so at once, and many times. One call that takes a few seconds is cheaper for
//! everybody, and a person who is there decides within them.

use std::time::Duration;

use model::{Elevation, Id, config::ElevationConfig};
use store::Store;
use tokio::time::{Instant, sleep};

/// What is left of the time for which one call may be held.
#[derive(Debug)]
pub struct Hold(Option<Duration>);

/// How often it is looked whether somebody has decided.
const LOOK: Duration = Duration::from_millis(200);

impl Hold {
    /// The whole of it.
    pub fn of(config: &ElevationConfig) -> Self {
        Self(Some(config.hold.duration()).filter(|hold| !hold.is_zero()))
    }

    /// Waits until somebody has decided on `elevation`; `false` when nobody did, or a call was held before.
    pub async fn until_decided(&mut self, store: &Store, elevation: &Id<Elevation>) -> bool {
        let Some(hold) = self.0.take() else { return false };
        let began = Instant::now();
        while began.elapsed() < hold {
            sleep(LOOK.min(hold)).await;
            match store.elevation(elevation).await {
                Ok(Some(elevation)) if elevation.is_pending(store.now()) => {}
                Ok(_) => return true,
                // Whoever decides on the call next says what is the matter.
                Err(_) => return false,
            }
        }
        false
    }
}
