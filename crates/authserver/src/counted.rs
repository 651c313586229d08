//! Refusals of callers who have proved nothing: told to the process log at once, to the audit log now and then.
//!
//! Every record is durable and stays for ever, so nobody may cause them at will. The first refusal of a kind is
//! recorded, those of the following minute are counted, and the next record carries the count. A caller that is
//! not known here is not named: what it calls itself is its own invention.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use model::{ClientId, Event, Span, Timestamp};

/// What is counted, by caller and cause, in bounded memory.
#[derive(Default)]
pub(crate) struct Counted(Mutex<HashMap<Kind, Tally>>);

/// The client, when it is one of ours, and the stable word of the cause.
type Kind = (Option<ClientId>, &'static str);

struct Tally {
    recorded_at: Timestamp,
    since: u64,
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
        tracing::info!(event = "refused", cause);
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kind = (client.cloned(), cause);
        if kinds.len() >= MOST_KINDS && !kinds.contains_key(&kind) {
            kinds.retain(|_, tally| now < tally.recorded_at.after(EVERY));
            if kinds.len() >= MOST_KINDS {
                kind.0 = None;
            }
        }
        match kinds.get_mut(&kind) {
            Some(tally) if now < tally.recorded_at.after(EVERY) => {
                tally.since += 1;
                None
            }
            earlier => {
                let count = earlier.map_or(0, |tally| tally.since) + 1;
                kinds.insert(kind, Tally { recorded_at: now, since: 0 });
                Some(event().count("count", count))
            }
        }
    }
}

const EVERY: Span = Span::from_minutes(1);
/// Callers times causes that are told apart.
const MOST_KINDS: usize = 4096;

#[cfg(test)]
mod tests {
    use model::{Actor, EventName};

    use super::*;

    fn due(counted: &Counted, client: Option<&str>, cause: &'static str, at: i64) -> Option<u64> {
        let client = client.map(|id| id.parse().unwrap());
        let event = || Event::new(EventName::TokenRefused, Actor::System);
        let event = counted.due(client.as_ref(), cause, Timestamp::from_seconds(at), event)?;
        event.fields["count"].as_u64()
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

    #[test]
    fn the_table_and_what_it_records_stay_bounded() {
        let counted = Counted::default();
        let recorded = (0..20_000).filter(|n| due(&counted, Some(&n.to_string()), "a", 100).is_some()).count();
        assert!(counted.0.lock().unwrap().len() <= MOST_KINDS + 1 && recorded <= MOST_KINDS + 1, "{recorded}");
    }
}
