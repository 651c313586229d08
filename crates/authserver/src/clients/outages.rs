//! Hosts of metadata documents that failed a moment ago, so that not every page waits for them.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use model::{ClientId, Span, Timestamp};

/// Hosts that failed a moment ago, so that not every page waits for them.
#[derive(Default)]
pub(crate) struct Outages(Mutex<HashMap<ClientId, Timestamp>>);

impl Outages {
    /// Did the host of this client fail a moment ago?
    pub(super) fn lasts(&self, id: &ClientId, now: Timestamp) -> bool {
        self.of().get(id).is_some_and(|until| now < *until)
    }

    /// It failed just now.
    pub(super) fn begin(&self, id: &ClientId, now: Timestamp) {
        let mut outages = self.of();
        outages.retain(|_, until| now < *until);
        if outages.len() < MOST {
            outages.insert(id.clone(), now.after(AGAIN_AFTER));
        }
    }

    fn of(&self) -> std::sync::MutexGuard<'_, HashMap<ClientId, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A host that failed is asked again after this.
const AGAIN_AFTER: Span = Span::from_seconds(30);
/// So many are remembered; the others are asked each time.
const MOST: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    /// Field: A10
    #[test]
    fn a_host_that_failed_is_left_alone_for_half_a_minute() {
        let (outages, now) = (Outages::default(), Timestamp::from_seconds(1_000));
        let id: ClientId = "https://a.test/c".parse().unwrap();
        outages.begin(&id, now);
        assert!(outages.lasts(&id, now.after(Span::from_seconds(29))));
        assert!(!outages.lasts(&id, now.after(Span::from_seconds(30))));
        for number in 0..1_000 {
            outages.begin(&format!("https://a.test/{number}").parse().unwrap(), now);
        }
        assert_eq!(outages.of().len(), MOST);
    }
}
