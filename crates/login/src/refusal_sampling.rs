//! Wrong passwords: recorded at first, then counted, and the next record carries the count.
//!
//! Those of people are counted apart, but no better than those of strangers: a stranger can make them at will.

use model::{Event, Id, Pace, Person, Sampling, Timestamp, event::LoginRefusalCause};
use store::Store;

/// What is counted, by person, and by cause where there is none.
pub(crate) struct RefusalSampling {
    nobody: Sampling<LoginRefusalCause, Event>,
    told: Sampling<LoginRefusalCause, ()>,
    people: Sampling<Option<Id<Person>>, Event>,
}

impl Default for RefusalSampling {
    fn default() -> Self {
        Self {
            nobody: Sampling::at(Pace::STRANGER),
            told: Sampling::at(Pace::KNOWN),
            people: Sampling::at(Pace { one_by_one: WRONG_PASSWORDS, within: Pace::STRANGER.within }),
        }
    }
}

impl RefusalSampling {
    /// The event of a refusal of nobody in particular, when one is due, with the number that it stands for.
    pub(crate) fn of_nobody(
        &self,
        cause: LoginRefusalCause,
        now: Timestamp,
        event: impl FnOnce() -> Event,
    ) -> Option<Event> {
        if let Some((_, count)) = self.told.see(cause, cause, now, || ()).record {
            tracing::info!(event = "refused", cause = cause.as_str(), count);
        }
        self.nobody.see(cause, cause, now, event).record.map(|(event, count)| event.counted(count))
    }

    /// The event of a wrong password for a person, when one is due.
    pub(crate) fn of_person(
        &self,
        person: &Id<Person>,
        now: Timestamp,
        event: impl FnOnce() -> Event,
    ) -> Option<Event> {
        self.people.see(Some(person.clone()), None, now, event).record.map(|(event, count)| event.counted(count))
    }

    /// Records what was counted and is due although no further refusal came; all of it, when it is the `last` time.
    pub(crate) async fn write_down(&self, store: &Store, last: bool) {
        store.write_counted(&self.nobody, last).await;
        store.write_counted(&self.people, last).await;
    }
}

/// Wrong passwords of one person that are recorded one by one, a minute.
const WRONG_PASSWORDS: u32 = 20;
