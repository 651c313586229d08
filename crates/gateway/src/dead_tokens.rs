//! Dead tokens come again: one record a minute says so.
//!
//! A client that was revoked may go on until its token expires, and each durable record costs a write to disk.
//! What is not recorded is logged.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use model::Timestamp;

/// At most so many are recorded a minute, whoever they are.
const MANY: usize = 1024;

/// The dead tokens of this minute.
#[derive(Debug, Default)]
pub struct DeadTokens(Mutex<Minute>);

#[derive(Debug, Default)]
struct Minute {
    at: i64,
    seen: HashSet<Box<str>>,
}

impl DeadTokens {
    /// Is it the first time in this minute that the token of this `jti` comes?
    pub fn is_news(&self, jti: &str, now: Timestamp) -> bool {
        let at = now.seconds() / 60;
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if minute.at != at {
            *minute = Minute { at, seen: HashSet::new() };
        }
        minute.seen.len() < MANY && !minute.seen.contains(jti) && minute.seen.insert(jti.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dead_token_is_news_once_a_minute_and_only_so_many_are() {
        let dead = DeadTokens::default();
        let at = Timestamp::from_seconds;
        assert!(dead.is_news("at_1", at(60)) && dead.is_news("at_2", at(61)));
        assert!(!dead.is_news("at_1", at(119)));
        assert!(dead.is_news("at_1", at(120)));
        assert_eq!((0..2 * MANY).filter(|n| dead.is_news(&n.to_string(), at(180))).count(), MANY);
    }
}
