//! How soon the next password may be tried for a name.
//!
//! The wait is short and capped, because whoever knows a name can cause it; it applies to names that
//! do not exist as well, so it tells nobody which do.

use std::collections::HashMap;

use model::{Span, Timestamp};

/// Failures by name, in bounded memory.
#[derive(Default)]
pub(super) struct Throttle(HashMap<String, Failures>);

struct Failures {
    count: u32,
    last: Timestamp,
}

/// Not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait {
    /// For so many more seconds.
    pub(super) seconds: u64,
}

impl Throttle {
    /// May a password be tried for `name` at `now`?
    pub(super) fn check(&self, name: &str, now: Timestamp) -> Result<(), Wait> {
        let Some(failures) = self.0.get(name).filter(|failures| failures.count >= FREE_TRIES) else { return Ok(()) };
        let seconds = 1_u32 << (failures.count - FREE_TRIES).min(5);
        let until = failures.last.after(Span::from_seconds(seconds.min(LONGEST)));
        if now < until { Err(Wait { seconds: now.seconds_until(until).max(1) }) } else { Ok(()) }
    }

    /// A wrong password.
    pub(super) fn failed(&mut self, name: &str, now: Timestamp) {
        if self.0.len() >= MOST_NAMES {
            self.0.retain(|_, failures| now < failures.last.after(FORGET));
        }
        if self.0.len() >= MOST_NAMES && !self.0.contains_key(name) {
            self.0.clear();
        }
        let failures = self.0.entry(name.to_owned()).or_insert(Failures { count: 0, last: now });
        let forgotten = now >= failures.last.after(FORGET);
        failures.count = if forgotten { 1 } else { failures.count.saturating_add(1) };
        failures.last = now;
    }

    /// The right password.
    pub(super) fn succeeded(&mut self, name: &str) {
        self.0.remove(name);
    }
}

const FREE_TRIES: u32 = 5;
const LONGEST: u32 = 30;
const FORGET: Span = Span::from_minutes(15);
const MOST_NAMES: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn five_wrong_passwords_are_free_and_then_the_wait_grows_to_its_cap() {
        let mut throttle = Throttle::default();
        for _ in 0..5 {
            assert_eq!(throttle.check("ada", at(100)), Ok(()));
            throttle.failed("ada", at(100));
        }
        assert_eq!(throttle.check("ada", at(100)), Err(Wait { seconds: 1 }));
        assert_eq!(throttle.check("ada", at(101)), Ok(()));
        (0..50).for_each(|_| throttle.failed("ada", at(101)));
        assert_eq!(throttle.check("ada", at(101)), Err(Wait { seconds: 30 }));
        assert_eq!(throttle.check("bob", at(101)), Ok(()));
    }

    #[test]
    fn the_right_password_and_time_make_it_forget() {
        let mut throttle = Throttle::default();
        (0..9).for_each(|_| throttle.failed("ada", at(100)));
        throttle.succeeded("ada");
        assert_eq!(throttle.check("ada", at(100)), Ok(()));
        (0..9).for_each(|_| throttle.failed("ada", at(100)));
        throttle.failed("ada", at(100 + 15 * 60));
        assert_eq!(throttle.check("ada", at(100 + 15 * 60)), Ok(()));
    }

    #[test]
    fn the_table_stays_bounded() {
        let mut throttle = Throttle::default();
        (0..30_000).for_each(|n| throttle.failed(&n.to_string(), at(100)));
        assert!(throttle.0.len() <= MOST_NAMES);
    }
}
