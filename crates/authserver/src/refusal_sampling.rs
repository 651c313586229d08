//! Refusals of callers who have proved nothing: told to the process log at first, to the audit log now and then.
//!
//! The first refusal of a kind is recorded, those of the following minute are counted, and the next record carries
//! the count. A caller that is not known here is not named: what it calls itself is its own invention.

use model::{
    ClientId, Event, Pace, Sampling, Timestamp,
    event::{FetchFailure, TokenRefusalCause},
};
use store::Store;

/// What is counted, by caller and cause.
pub(crate) struct RefusalSampling {
    recorded: Sampling<Kind, Event>,
    told: Sampling<Cause, ()>,
}

/// The client, when it is one of ours, and the cause.
type Kind = (Option<ClientId>, Cause);

/// What is counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Cause {
    /// A form was refused.
    Token(TokenRefusalCause),
    /// The document of a client could not be read again.
    Document(FetchFailure),
}

impl Cause {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Token(cause) => cause.as_str(),
            Self::Document(failure) => failure.as_str(),
        }
    }
}

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
        cause: Cause,
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

    fn tell(&self, cause: Cause, now: Timestamp) {
        if let Some((_, count)) = self.told.see(cause, cause, now, || ()).record {
            tracing::info!(event = "refused", cause = cause.as_str(), count);
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

    const UNKNOWN: Cause = Cause::Token(TokenRefusalCause::UnknownClient);
    const BUSY: Cause = Cause::Document(FetchFailure::Busy);

    fn due(counted: &RefusalSampling, client: Option<&str>, cause: Cause, at: i64) -> Option<u64> {
        let client = client.map(|id| id.parse().unwrap());
        let event = counted.due(client.as_ref(), cause, Timestamp::from_seconds(at), examples::any)?;
        Some(event.count)
    }

    #[test]
    fn the_first_of_a_minute_is_recorded_and_the_next_record_counts_the_others() {
        let counted = RefusalSampling::default();
        assert_eq!(due(&counted, None, UNKNOWN, 100), Some(1));
        (0..500).for_each(|_| assert_eq!(due(&counted, None, UNKNOWN, 159), None));
        assert_eq!(due(&counted, None, UNKNOWN, 160), Some(501));
        assert_eq!(due(&counted, None, UNKNOWN, 161), None);
    }

    #[test]
    fn callers_and_causes_are_counted_apart() {
        let counted = RefusalSampling::default();
        for (client, cause) in [(None, UNKNOWN), (None, BUSY), (Some("desk"), UNKNOWN), (Some("native"), UNKNOWN)] {
            assert_eq!(due(&counted, client, cause, 100), Some(1));
            assert_eq!(due(&counted, client, cause, 100), None);
        }
    }
}
