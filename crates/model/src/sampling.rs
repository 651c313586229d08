//! Refusals that are worth a record each, and those that are only counted.
//!
//! Every record is durable and stays for ever, so nobody may cause them at will. As long as a caller is refused now
//! and then, each refusal is recorded. When they come faster they are counted, and one record a minute says how many
//! they were. What is counted is never lost: whoever keeps a [`Sampling`] asks it from time to time for what is due.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{Span, Timestamp};

/// How many refusals are recorded one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// So many.
    pub one_by_one: u32,
    /// Within so long.
    pub within: Span,
}

impl Pace {
    /// Of a caller that proved who it is.
    pub const KNOWN: Self = Self { one_by_one: 20, within: Span::from_seconds(1) };
    /// Of one who proved nothing, or nothing that counts any more.
    pub const STRANGER: Self = Self { one_by_one: 1, within: MINUTE };
}

/// What is counted, by kind of refusal, in bounded memory. `T` is what is kept of the first: an event to record, or
/// nothing where only lines of the process log are told apart.
#[derive(Debug)]
pub struct Sampling<K, T> {
    pace: Pace,
    kinds: Mutex<HashMap<K, Tally<T>>>,
}

/// What becomes of one refusal.
#[derive(Debug)]
pub struct Seen<T> {
    /// What to record now, and for how many refusals it stands.
    pub record: Option<(T, u64)>,
    /// Do they come so fast that they are counted?
    pub flood: bool,
}

/// Refusals that were counted, and are to be recorded.
#[derive(Debug)]
pub struct Due<K, T> {
    kind: K,
    /// The first of them.
    pub event: T,
    /// How many they were.
    pub count: u64,
}

#[derive(Debug)]
struct Tally<T> {
    since: Timestamp,
    seen: u32,
    /// Counted until then.
    flood: Option<Flood<T>>,
}

#[derive(Debug)]
struct Flood<T> {
    until: Timestamp,
    count: u64,
    /// The first of those that are counted.
    event: Option<T>,
}

impl<K: Clone + Eq + Hash, T> Sampling<K, T> {
    /// At this pace.
    pub fn at(pace: Pace) -> Self {
        Self { pace, kinds: Mutex::default() }
    }

    /// One more refusal of `kind`. When there are too many kinds, it counts as one of the `crowd`.
    pub fn see(&self, kind: K, crowd: K, now: Timestamp, event: impl FnOnce() -> T) -> Seen<T> {
        let mut kinds = self.kinds();
        let mut kind = kind;
        if kinds.len() >= MOST_KINDS && !kinds.contains_key(&kind) {
            kinds.retain(|_, tally| !tally.is_over(now));
            if kinds.len() >= MOST_KINDS {
                kind = crowd;
            }
        }
        let tally = kinds.entry(kind).or_insert(Tally { since: now, seen: 0, flood: None });
        match tally.flood.take() {
            Some(mut flood) if now < flood.until => {
                flood.count += 1;
                flood.event.get_or_insert_with(event);
                tally.flood = Some(flood);
                Seen { record: None, flood: true }
            }
            Some(flood) => {
                let count = flood.count + 1;
                *tally = Tally::after(count, now);
                Seen { record: Some((event(), count)), flood: tally.flood.is_some() }
            }
            None => {
                if now >= tally.since.after(self.pace.within) {
                    (tally.since, tally.seen) = (now, 0);
                }
                tally.seen += 1;
                if tally.seen <= self.pace.one_by_one {
                    return Seen { record: Some((event(), 1)), flood: false };
                }
                tally.flood = Some(Flood { until: tally.since.after(MINUTE), count: 1, event: Some(event()) });
                Seen { record: None, flood: true }
            }
        }
    }

    /// What was counted and whose minute is over; everything that was, when `all` is said because it is the end.
    pub fn due(&self, now: Timestamp, all: bool) -> Vec<Due<K, T>> {
        let mut due = Vec::new();
        let mut kinds = self.kinds();
        for (kind, tally) in kinds.iter_mut() {
            let Some(flood) = tally.flood.take_if(|flood| all || now >= flood.until) else { continue };
            *tally = Tally::after(flood.count, now);
            due.extend(flood.event.map(|event| Due { kind: kind.clone(), event, count: flood.count }));
        }
        kinds.retain(|_, tally| !tally.is_over(now));
        due
    }

    /// What was due could not be recorded: it stays counted, until the minute after `now` is over.
    pub fn put_back(&self, due: Due<K, T>, now: Timestamp) {
        let mut kinds = self.kinds();
        let tally = kinds.entry(due.kind).or_insert(Tally { since: now, seen: 0, flood: None });
        let until = now.after(MINUTE);
        let flood = tally.flood.get_or_insert(Flood { until, count: 0, event: None });
        flood.count += due.count;
        flood.event.get_or_insert(due.event);
    }

    fn kinds(&self) -> MutexGuard<'_, HashMap<K, Tally<T>>> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Tally<T> {
    /// The minute after `count` were counted: a flood that goes on is not recorded one by one again.
    fn after(count: u64, now: Timestamp) -> Self {
        let flood = (count >= STILL).then(|| Flood { until: now.after(MINUTE), count: 0, event: None });
        Self { since: now, seen: 1, flood }
    }

    fn is_over(&self, now: Timestamp) -> bool {
        match &self.flood {
            Some(flood) => flood.count == 0 && now >= flood.until,
            None => now >= self.since.after(MINUTE),
        }
    }
}

const MINUTE: Span = Span::from_minutes(1);
/// So many in a minute are still a flood.
const STILL: u64 = 60;
/// Kinds that are told apart.
const MOST_KINDS: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn event() {}

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn see(sampling: &Sampling<u32, ()>, kind: u32, seconds: i64) -> (Option<u64>, bool) {
        let seen = sampling.see(kind, u32::MAX, at(seconds), event);
        (seen.record.map(|(_, count)| count), seen.flood)
    }

    /// Field: S5
    #[test]
    fn a_known_caller_has_twenty_records_a_second_and_then_one_a_minute() {
        let sampling = Sampling::at(Pace::KNOWN);
        for second in 0..5 {
            (0..20).for_each(|_| assert_eq!(see(&sampling, 1, second), (Some(1), false)));
        }
        (0..20).for_each(|_| assert_eq!(see(&sampling, 1, 5), (Some(1), false)));
        (0..1000).for_each(|_| assert_eq!(see(&sampling, 1, 5), (None, true)));
        (0..1000).for_each(|_| assert_eq!(see(&sampling, 1, 64), (None, true)));
        assert_eq!(see(&sampling, 1, 65), (Some(2001), true), "it goes on");
        (0..99).for_each(|_| assert_eq!(see(&sampling, 1, 66), (None, true)));
        assert_eq!(see(&sampling, 1, 125), (Some(100), true));
        assert_eq!(see(&sampling, 1, 185), (Some(1), false), "it is over");
        assert_eq!(see(&sampling, 2, 66), (Some(1), false), "somebody else");
    }

    #[test]
    fn a_stranger_has_one_record_a_minute_which_counts_the_others() {
        let sampling = Sampling::at(Pace::STRANGER);
        assert_eq!(see(&sampling, 1, 100), (Some(1), false));
        (0..5).for_each(|_| assert_eq!(see(&sampling, 1, 159), (None, true)));
        assert_eq!(see(&sampling, 1, 160), (Some(6), false));
        assert_eq!(see(&sampling, 1, 161), (None, true));
    }

    #[test]
    fn what_was_counted_is_recorded_although_no_further_one_comes() {
        let sampling = Sampling::at(Pace::STRANGER);
        (0..3).for_each(|_| _ = see(&sampling, 1, 100));
        assert!(sampling.due(at(159), false).is_empty());
        assert_eq!(sampling.due(at(160), false).iter().map(|due| due.count).collect::<Vec<_>>(), [2]);
        assert!(sampling.due(at(300), false).is_empty() && sampling.kinds().is_empty());
        (0..3).for_each(|_| _ = see(&sampling, 1, 400));
        assert_eq!(sampling.due(at(400), true).len(), 1, "at the end");
    }

    /// A full disk takes no record, and must not take the count either.
    ///
    /// Field: S5
    #[test]
    fn what_could_not_be_recorded_stays_counted() {
        let sampling = Sampling::at(Pace::STRANGER);
        (0..3).for_each(|_| _ = see(&sampling, 1, 100));
        for due in sampling.due(at(160), false) {
            sampling.put_back(due, at(160));
        }
        assert_eq!(see(&sampling, 1, 161), (None, true));
        assert!(sampling.due(at(219), false).is_empty());
        assert_eq!(sampling.due(at(220), false)[0].count, 3);
    }

    #[test]
    fn the_table_and_what_it_records_stay_bounded() {
        let sampling = Sampling::at(Pace::STRANGER);
        let recorded = (0..20_000).filter(|kind| see(&sampling, *kind, 100).0.is_some()).count();
        assert!(sampling.kinds().len() <= MOST_KINDS + 1 && recorded <= MOST_KINDS + 1, "{recorded}");
    }
}
