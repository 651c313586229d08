//! Refusals of callers who have proved nothing: told to the process log at first, to the audit log now and then.
//!
//! The first refusal of a kind is recorded, those of the following minute are counted, and the next record carries
//! the count. A caller that is not known here is not named: what it calls itself is its own invention.

use std::hash::Hash;

use model::{ClientId, Event, Id, Pace, Person, Sampling, Timestamp};
use store::Store;

/// What is counted, by caller and cause.
pub(crate) struct Counted {
    recorded: Sampling<Kind, Event>,
    told: Sampling<&'static str, ()>,
    /// Of people: a stranger can make them wrong at will, so they are no better than those of strangers.
    logins: Sampling<Option<Id<Person>>, Event>,
}

/// The client, when it is one of ours, and the stable word of the cause.
type Kind = (Option<ClientId>, &'static str);

impl Default for Counted {
    fn default() -> Self {
        Self {
            recorded: Sampling::at(Pace::STRANGER),
            told: Sampling::at(Pace::KNOWN),
            logins: Sampling::at(Pace { one_by_one: WRONG_PASSWORDS, within: Pace::STRANGER.within }),
        }
    }
}

impl Counted {
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

    /// The event of a wrong password for a person, when one is due.
    pub(crate) fn due_login(
        &self,
        person: &Id<Person>,
        now: Timestamp,
        event: impl FnOnce() -> Event,
    ) -> Option<Event> {
        counted(self.logins.see(Some(person.clone()), None, now, event).record)
    }

    /// Records what was counted and is due although no further refusal came; all of it, when it is the `last` time.
    pub(crate) async fn write_down(&self, store: &Store, last: bool) {
        settle(&self.recorded, store, last).await;
        settle(&self.logins, store, last).await;
    }

    fn tell(&self, cause: &'static str, now: Timestamp) {
        if let Some((_, count)) = self.told.see(cause, cause, now, || ()).record {
            tracing::info!(event = "refused", cause, count);
        }
    }
}

async fn settle<K: Clone + Eq + Hash>(sampling: &Sampling<K, Event>, store: &Store, last: bool) {
    for due in sampling.due(store.now(), last) {
        if let Err(error) = store.record(due.event.clone().counted(due.count)).await {
            store.failed("record_failed", &error);
            sampling.put_back(due, store.now());
        }
    }
}

fn counted(due: Option<(Event, u64)>) -> Option<Event> {
    due.map(|(event, count)| event.counted(count))
}

/// Wrong passwords of one person that are recorded one by one, a minute.
const WRONG_PASSWORDS: u32 = 20;

#[cfg(test)]
mod tests {
    use model::event::examples;

    use super::*;

    fn due(counted: &Counted, client: Option<&str>, cause: &'static str, at: i64) -> Option<u64> {
        let client = client.map(|id| id.parse().unwrap());
        let event = counted.due(client.as_ref(), cause, Timestamp::from_seconds(at), examples::any)?;
        Some(event.count)
    }

    #[test]
    fn the_first_of_a_minute_is_recorded_and_the_next_record_counts_the_others() {
        let counted = Counted::default();
        assert_eq!(due(&counted, None, "unknown_client", 100), Some(1));
        (0..500).for_each(|_| assert_eq!(due(&counted, None, "unknown_client", 159), None));
        assert_eq!(due(&counted, None, "unknown_client", 160), Some(501));
        assert_eq!(due(&counted, None, "unknown_client", 161), None);
    }

    #[test]
    fn callers_and_causes_are_counted_apart() {
        let counted = Counted::default();
        for (client, cause) in [(None, "a"), (None, "b"), (Some("desk"), "a"), (Some("native"), "a")] {
            assert_eq!(due(&counted, client, cause, 100), Some(1));
            assert_eq!(due(&counted, client, cause, 100), None);
        }
    }
}
