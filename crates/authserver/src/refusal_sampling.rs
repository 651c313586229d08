//! Refusals of callers who have proved nothing: told to the process log at first, to the audit log now and then.
//!
//! The first refusal of a kind is recorded, those of the following minute are counted, and the next record carries
//! the count. A caller that is not known here is not named: what it calls itself is its own invention.

use model::{ClientId, Event, Pace, Sampling, Timestamp};
use store::Store;

/// What is counted, by caller and cause.
pub(crate) struct RefusalSampling {
    recorded: Sampling<Kind, Event>,
    told: Sampling<&'static str, ()>,
}

/// The client, when it is one of ours, and the stable word of the cause.
type Kind = (Option<ClientId>, &'static str);

impl Default for RefusalSampling {
    fn default() -> Self {
        Self { recorded: Sampling::at(Pace::STRANGER), told: Sampling::at(Pace::KNOWN) }
    }
}

impl RefusalSampling {
    /// The event, when one is due, with the number of refusals it stands for.
    pub(crate) fn due(
        &self,
        client: Option<&ClientId>,
        cause: &'static str,
        now: Timestamp,
        event: impl FnOnce() -> Event,
    ) -> Option<Event> {
        self.tell(cause, now);
        counted(self.recorded.see((client.cloned(), cause), (None, cause), now, event).record)
    }

    /// Records what was counted and is due although no further refusal came; all of it, when it is the `last` time.
    pub(crate) async fn write_down(&self, store: &Store, last: bool) {
        store.write_counted(&self.recorded, last).await;
    }

    fn tell(&self, cause: &'static str, now: Timestamp) {
        if let Some((_, count)) = self.told.see(cause, cause, now, || ()).record {
            tracing::info!(event = "refused", cause, count);
        }
    }
}

fn counted(due: Option<(Event, u64)>) -> Option<Event> {
    due.map(|(event, count)| event.counted(count))
}

#[cfg(test)]
mod tests {
    use model::event::examples;

    use super::*;

    fn due(counted: &RefusalSampling, client: Option<&str>, cause: &'static str, at: i64) -> Option<u64> {
        let client = client.map(|id| id.parse().unwrap());
        let event = counted.due(client.as_ref(), cause, Timestamp::from_seconds(at), examples::any)?;
        Some(event.count)
    }

    #[test]
    fn the_first_of_a_minute_is_recorded_and_the_next_record_counts_the_others() {
        let counted = RefusalSampling::default();
        assert_eq!(due(&counted, None, "unknown_client", 100), Some(1));
        (0..500).for_each(|_| assert_eq!(due(&counted, None, "unknown_client", 159), None));
        assert_eq!(due(&counted, None, "unknown_client", 160), Some(501));
        assert_eq!(due(&counted, None, "unknown_client", 161), None);
    }

    #[test]
    fn callers_and_causes_are_counted_apart() {
        let counted = RefusalSampling::default();
        for (client, cause) in [(None, "a"), (None, "b"), (Some("desk"), "a"), (Some("native"), "a")] {
            assert_eq!(due(&counted, client, cause, 100), Some(1));
            assert_eq!(due(&counted, client, cause, 100), None);
        }
    }
}
