//! How soon the next password may be tried for a name.
//!
//! A try counts as a failure from the moment it is admitted, so tries that come at once are not all admitted by the
//! same count. The wait is short and capped, because whoever knows a name can cause it; it applies to names that
//! do not exist as well, so it tells nobody which do. Names are kept as digests: people type passwords into that field.

use std::collections::HashMap;

use model::{Span, Timestamp};
use token::Digest;

/// Tries by name, in bounded memory.
#[derive(Default)]
pub(super) struct Throttle(HashMap<Digest, Tries>);

struct Tries {
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
    /// Admits one try for `name` at `now`, and counts it as failed until [`Self::succeeded`].
    pub(super) fn reserve(&mut self, name: Digest, now: Timestamp) -> Result<(), Wait> {
        if let Some(tries) = self.0.get(&name).filter(|tries| tries.count >= FREE_TRIES) {
            let seconds = 1_u32 << (tries.count - FREE_TRIES).min(5);
            let until = tries.last.after(Span::from_seconds(seconds.min(LONGEST)));
            if now < until {
                return Err(Wait { seconds: now.seconds_until(until).max(1) });
            }
        }
        if self.0.len() >= MOST_NAMES && !self.0.contains_key(&name) {
            self.make_room(now);
        }
        let tries = self.0.entry(name).or_insert(Tries { count: 0, last: now });
        let forgotten = now >= tries.last.after(FORGET);
        *tries = Tries { count: if forgotten { 1 } else { tries.count.saturating_add(1) }, last: now };
        Ok(())
    }

    /// The right password.
    pub(super) fn succeeded(&mut self, name: Digest) {
        self.0.remove(&name);
    }

    /// Forgets the old ones, or the one that matters least: trying many names must not free a name from its wait.
    fn make_room(&mut self, now: Timestamp) {
        self.0.retain(|_, tries| now < tries.last.after(FORGET));
        if self.0.len() >= MOST_NAMES
            && let Some(least) = self.0.iter().min_by_key(|(_, tries)| (tries.count, tries.last)).map(|(name, _)| *name)
        {
            self.0.remove(&least);
        }
    }
}

const FREE_TRIES: u32 = 5;
const LONGEST: u32 = 30;
const FORGET: Span = Span::from_minutes(15);
const MOST_NAMES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn name(text: &str) -> Digest {
        Digest::of(text)
    }

    /// Tries until a wait would have to be waited, and waits it.
    fn fail(throttle: &mut Throttle, text: &str, times: u32, mut now: i64) -> i64 {
        for _ in 0..times {
            while let Err(wait) = throttle.reserve(name(text), at(now)) {
                now += wait.seconds as i64;
            }
        }
        now
    }

    #[test]
    fn five_tries_are_free_and_then_the_wait_grows_to_its_cap() {
        let mut throttle = Throttle::default();
        assert_eq!(fail(&mut throttle, "ada", 5, 100), 100);
        assert_eq!(throttle.reserve(name("ada"), at(100)), Err(Wait { seconds: 1 }));
        assert_eq!(fail(&mut throttle, "ada", 1, 100), 101);
        let later = fail(&mut throttle, "ada", 20, 101);
        assert_eq!(throttle.reserve(name("ada"), at(later)), Err(Wait { seconds: 30 }));
        assert_eq!(throttle.reserve(name("bob"), at(101)), Ok(()));
    }

    #[test]
    fn the_right_password_and_time_make_it_forget() {
        let mut throttle = Throttle::default();
        fail(&mut throttle, "ada", 9, 100);
        throttle.succeeded(name("ada"));
        assert_eq!(fail(&mut throttle, "ada", 5, 200), 200);
        assert_eq!(fail(&mut throttle, "ada", 5, 200 + 15 * 60), 200 + 15 * 60);
    }

    #[test]
    fn the_table_stays_bounded_and_keeps_those_who_wait() {
        let mut throttle = Throttle::default();
        let now = fail(&mut throttle, "ada", 9, 100);
        (0..MOST_NAMES + 200).for_each(|n| assert!(throttle.reserve(name(&n.to_string()), at(now)).is_ok()));
        assert!(throttle.0.len() <= MOST_NAMES);
        assert!(throttle.reserve(name("ada"), at(now)).is_err());
    }
}
