//! How soon the next password may be tried.
//!
//! Whoever knows a name can try passwords for it, so a wait that belongs to the name is a way to keep its owner out.
//! Waits belong to lines instead. A browser that logged in before has a line of its own; every other try stands in
//! the line of its browser, whose mark costs one page, and in that of its address, which is longer and moves at an
//! even pace, because a new mark is had for the asking. A try is admitted when all its lines admit it, and counts as
//! a failure from then on, so tries that come at once are not all admitted by the same count.
//!
//! Lines apply to names that do not exist as well, so they tell nobody which do. They are kept as digests: people
//! type passwords into the field for names.

use std::{collections::HashMap, net::IpAddr};

use crypto::Digest;
use model::{Span, Timestamp};

/// Tries by line, in bounded memory.
#[derive(Default)]
pub(crate) struct Throttle(HashMap<Digest, Tries>);

struct Tries {
    count: u32,
    last: Timestamp,
}

/// Not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    /// For so many more seconds.
    pub(crate) seconds: u64,
}

/// The lines that a try stands in.
pub(crate) struct Lines(Vec<(Digest, Pace)>);

#[derive(Clone, Copy)]
enum Pace {
    /// Five are free, then each waits twice as long as the one before, up to half a minute.
    Doubling,
    /// Five are free, then one every two seconds.
    Even,
}

impl Lines {
    /// Of a browser that logged in as `name` before.
    pub(crate) fn known(name: &str, device: &str) -> Self {
        Self(vec![(line(&["device", device, name]), Pace::Doubling)])
    }

    /// Of any other one: by the mark of the browser and by the address, as far as they are known.
    pub(crate) fn stranger(name: &str, mark: &str, address: Option<IpAddr>) -> Self {
        let address = address.map_or_else(String::new, |address| address.to_string());
        Self(vec![(line(&["browser", mark, name]), Pace::Doubling), (line(&["address", &address, name]), Pace::Even)])
    }
}

/// No part can end where another begins: NUL is in none of them but the name, which comes last.
fn line(parts: &[&str]) -> Digest {
    Digest::of(&parts.join("\0"))
}

impl Throttle {
    /// Admits one try at `now`, and counts it as failed until [`Self::succeeded`].
    pub(crate) fn reserve(&mut self, lines: &Lines, now: Timestamp) -> Result<(), Wait> {
        let waits = lines.0.iter().filter_map(|(line, pace)| self.0.get(line)?.until(*pace));
        if let Some(until) = waits.max().filter(|until| now < *until) {
            return Err(Wait { seconds: now.seconds_until(until).max(1) });
        }
        for (line, _) in &lines.0 {
            if self.0.len() >= MOST_LINES && !self.0.contains_key(line) {
                self.make_room(now);
            }
            let tries = self.0.entry(*line).or_insert(Tries { count: 0, last: now });
            let forgotten = now >= tries.last.after(FORGET);
            *tries = Tries { count: if forgotten { 1 } else { tries.count.saturating_add(1) }, last: now };
        }
        Ok(())
    }

    /// The right password.
    pub(crate) fn succeeded(&mut self, lines: &Lines) {
        for (line, pace) in &lines.0 {
            match pace {
                Pace::Doubling => {
                    self.0.remove(line);
                }
                // Of the others at this address nothing is known; only this try was none that failed.
                Pace::Even => {
                    if let Some(tries) = self.0.get_mut(line) {
                        tries.count = tries.count.saturating_sub(1);
                    }
                }
            }
        }
    }

    /// Forgets the old ones, or the one that matters least: trying many names must not free a line from its wait.
    fn make_room(&mut self, now: Timestamp) {
        self.0.retain(|_, tries| now < tries.last.after(FORGET));
        if self.0.len() >= MOST_LINES
            && let Some(least) = self.0.iter().min_by_key(|(_, tries)| (tries.count, tries.last)).map(|(line, _)| *line)
        {
            self.0.remove(&least);
        }
    }
}

impl Tries {
    fn until(&self, pace: Pace) -> Option<Timestamp> {
        let seconds = match pace {
            Pace::Doubling if self.count >= FREE_TRIES => LONGEST.min(1 << (self.count - FREE_TRIES).min(5)),
            Pace::Even if self.count >= FREE_TRIES => STEP,
            _ => return None,
        };
        Some(self.last.after(Span::from_seconds(seconds)))
    }
}

const FREE_TRIES: u32 = 5;
const LONGEST: u32 = 30;
const STEP: u32 = 2;
const FORGET: Span = Span::from_minutes(15);
const MOST_LINES: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn device(name: &str) -> Lines {
        Lines::known(name, "dev")
    }

    fn stranger(name: &str, mark: &str, address: &str) -> Lines {
        Lines::stranger(name, mark, Some(address.parse().unwrap()))
    }

    /// Tries until a wait would have to be waited, and waits it.
    fn fail(throttle: &mut Throttle, lines: &Lines, times: u32, mut now: i64) -> i64 {
        for _ in 0..times {
            while let Err(wait) = throttle.reserve(lines, at(now)) {
                now += wait.seconds as i64;
            }
        }
        now
    }

    #[test]
    fn five_tries_are_free_and_then_the_wait_grows_to_its_cap() {
        let mut throttle = Throttle::default();
        let ada = device("ada");
        assert_eq!(fail(&mut throttle, &ada, 5, 100), 100);
        assert_eq!(throttle.reserve(&ada, at(100)), Err(Wait { seconds: 1 }));
        assert_eq!(fail(&mut throttle, &ada, 1, 100), 101);
        let later = fail(&mut throttle, &ada, 20, 101);
        assert_eq!(throttle.reserve(&ada, at(later)), Err(Wait { seconds: 30 }));
        let stranger = stranger("ada", "m", "192.0.2.1");
        assert_eq!(fail(&mut throttle, &stranger, 5, 100), 100);
        assert_eq!(throttle.reserve(&stranger, at(100)), Err(Wait { seconds: 2 }));
        let later = fail(&mut throttle, &stranger, 20, 100);
        assert_eq!(throttle.reserve(&stranger, at(later)), Err(Wait { seconds: 30 }));
        assert_eq!(throttle.reserve(&device("bob"), at(101)), Ok(()));
    }

    #[test]
    fn the_right_password_and_time_make_it_forget() {
        let mut throttle = Throttle::default();
        let ada = device("ada");
        fail(&mut throttle, &ada, 9, 100);
        throttle.succeeded(&ada);
        assert_eq!(fail(&mut throttle, &ada, 5, 200), 200);
        assert_eq!(fail(&mut throttle, &ada, 5, 200 + 15 * 60), 200 + 15 * 60);
    }

    /// Field: P2
    #[test]
    fn a_stranger_can_not_spend_the_tries_of_a_known_browser_or_of_another_place() {
        let mut throttle = Throttle::default();
        let flood = |throttle: &mut Throttle, now| {
            // Ten a second, each with a mark of its own, as soon as it is let.
            (0..10).for_each(|n| _ = throttle.reserve(&stranger("root", &format!("{now}.{n}"), "192.0.2.1"), at(now)));
        };
        for now in 0..600 {
            flood(&mut throttle, now);
            assert_eq!(throttle.reserve(&device("root"), at(now)), Ok(()), "known, at {now}");
            throttle.succeeded(&device("root"));
            if now % 60 == 0 {
                let new = stranger("root", "new", "198.51.100.7");
                assert_eq!(throttle.reserve(&new, at(now)), Ok(()), "a new browser elsewhere, at {now}");
                throttle.succeeded(&new);
            }
        }
    }

    /// Field: P2
    #[test]
    fn a_new_browser_at_the_address_of_a_flood_with_one_mark_gets_in_and_one_with_many_marks_is_slow() {
        let mut throttle = Throttle::default();
        let admitted =
            (0..600).filter(|now| throttle.reserve(&stranger("root", "evil", "192.0.2.1"), at(*now)).is_ok());
        assert!(admitted.count() < 40);
        assert_eq!(throttle.reserve(&stranger("root", "new", "192.0.2.1"), at(600)), Ok(()), "within two seconds");
        let many =
            |n: &i64| throttle.reserve(&stranger("root", &n.to_string(), "192.0.2.1"), at(1000 + n / 10)).is_ok();
        assert!((0..6000).filter(many).count() <= 305, "ten minutes of them");
    }

    #[test]
    fn the_table_stays_bounded_and_keeps_those_who_wait() {
        let mut throttle = Throttle::default();
        let now = fail(&mut throttle, &device("ada"), 9, 100);
        (0..MOST_LINES + 200).for_each(|n| assert!(throttle.reserve(&device(&n.to_string()), at(now)).is_ok()));
        assert!(throttle.0.len() <= MOST_LINES);
        assert!(throttle.reserve(&device("ada"), at(now)).is_err());
    }
}
