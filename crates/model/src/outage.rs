//! What the log says of something that is away: once, then every ten seconds how often, and once that it is back.
//!
//! While a store or a witness is away, each look and each call fails, many times a second. Who reads the log wants to know
//! since when, why, and whether it lasts.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Failures that last, each by the stable word of its line.
#[derive(Debug)]
pub struct Outages {
    every: Duration,
    lasting: Mutex<BTreeMap<&'static str, Lasting>>,
}

#[derive(Debug)]
struct Lasting {
    since: Instant,
    said: Instant,
    last: Instant,
    /// Since the last line.
    unsaid: u64,
    all: u64,
}

/// What is to be said of a failure that is over.
#[derive(Debug, PartialEq, Eq)]
pub struct Over {
    /// How long it lasted.
    pub lasted: Duration,
    /// How often it was met.
    pub count: u64,
}

/// Said again every ten seconds.
impl Default for Outages {
    fn default() -> Self {
        Self::said_every(Duration::from_secs(10))
    }
}

impl Outages {
    /// Said again so often; a failure after a pause of that length is another one.
    pub fn said_every(every: Duration) -> Self {
        Self { every, lasting: Mutex::default() }
    }

    /// It failed again: for how many failures a line is to stand, if one is due.
    pub fn fails(&self, what: &'static str, now: Instant) -> Option<u64> {
        let mut all = self.lock();
        let fresh = Lasting { since: now, said: now, last: now, unsaid: 0, all: 0 };
        let known = all.entry(what).or_insert(fresh);
        // Nobody said that it is over, and yet it did not fail for long: this is another failure.
        let begins = known.all == 0 || now.duration_since(known.last) >= self.every;
        if begins {
            *known = Lasting { since: now, said: now, last: now, unsaid: 0, ..*known };
            known.all = 0;
        }
        known.last = now;
        known.unsaid += 1;
        known.all += 1;
        let due = begins || now.duration_since(known.said) >= self.every;
        due.then(|| {
            known.said = now;
            std::mem::take(&mut known.unsaid)
        })
    }

    /// It did not fail. What there is to say, when it had.
    pub fn ends(&self, what: &'static str, now: Instant) -> Option<Over> {
        let over = self.lock().remove(what)?;
        Some(Over { lasted: now.duration_since(over.since), count: over.all })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Lasting>> {
        self.lasting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Field: H11
    #[test]
    fn a_failure_that_lasts_is_said_at_once_and_every_ten_seconds_and_its_end_once() {
        let (outages, began) = (Outages::default(), Instant::now());
        let at = |tenths: u64| began + Duration::from_millis(tenths * 100);
        let lines: Vec<_> = (0..=250).filter_map(|t| outages.fails("away", at(t)).map(|count| (t, count))).collect();
        assert_eq!(lines, [(0, 1), (100, 100), (200, 100)]);
        assert_eq!(outages.ends("away", at(251)), Some(Over { lasted: Duration::from_millis(25_100), count: 251 }));
        assert_eq!(outages.ends("away", at(252)), None, "once");
        assert_eq!(outages.fails("away", at(253)), Some(1), "the next one is said at once");
    }

    #[test]
    fn each_kind_of_failure_has_its_own_lines_and_one_after_a_pause_is_another_one() {
        let (outages, began) = (Outages::default(), Instant::now());
        assert_eq!(outages.fails("a", began), Some(1));
        assert_eq!(outages.fails("b", began), Some(1));
        assert_eq!(outages.fails("a", began + Duration::from_secs(1)), None);
        let later = began + Duration::from_secs(12);
        assert_eq!(outages.fails("a", later), Some(1));
        assert_eq!(outages.ends("a", later).map(|over| over.lasted), Some(Duration::ZERO));
        assert_eq!(outages.ends("c", later), None);
    }
}
