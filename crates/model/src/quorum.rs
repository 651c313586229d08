//! Quorums: how many different people have to approve, and who has so far.
//!
//! One person can be talked into anything. What can not be undone may take two, who decide each by themselves; nobody
//! counts twice, whoever they speak for.
//!
//! Spec: NIST SP 800-53 AC-3 (2) (dual authorization).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Id, Person, Span, Timestamp};

/// How many people have to approve, and who has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quorum {
    /// So many different people.
    pub needed: u32,
    /// Those who have, in the order in which they did.
    #[serde(default)]
    pub given: Vec<Yes>,
}

/// One person's approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Yes {
    /// Who said so.
    pub by: Id<Person>,
    /// When that was.
    pub at: Timestamp,
    /// For how long at the most.
    pub lasts: Span,
}

impl Default for Quorum {
    fn default() -> Self {
        Self::of(1)
    }
}

impl Quorum {
    /// Of so many people, none of whom has decided yet.
    pub const fn of(needed: u32) -> Self {
        Self { needed, given: Vec::new() }
    }

    /// Is one person enough, as ever?
    pub const fn is_of_one(&self) -> bool {
        self.needed <= 1 && self.given.is_empty()
    }

    /// Has that person a part in it already?
    pub fn has(&self, person: &Id<Person>) -> bool {
        self.given.iter().any(|yes| yes.by == *person)
    }

    /// Have enough different people approved?
    pub fn is_reached(&self) -> bool {
        let distinct = |at: usize| !self.given[..at].iter().any(|earlier| earlier.by == self.given[at].by);
        let count = (0..self.given.len()).filter(|at| distinct(*at)).count();
        count >= self.needed.max(1) as usize
    }

    /// The shortest time that anybody gave.
    pub fn lasts(&self, longest: Span) -> Span {
        self.given.iter().map(|yes| yes.lasts).fold(longest, Span::min)
    }

    /// What can be said of it while it waits, or afterwards; `None` when one person is enough.
    pub fn progress(&self) -> Option<String> {
        (self.needed > 1).then(|| self.to_string())
    }
}

/// `1 of 2, bob`.
impl fmt::Display for Quorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.given.len(), self.needed)?;
        self.given.iter().try_for_each(|yes| write!(f, ", {}", yes.by))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yes(by: &str, seconds: u32) -> Yes {
        Yes { by: by.parse().unwrap(), at: Timestamp::from_seconds(1), lasts: Span::from_seconds(seconds) }
    }

    #[test]
    fn nobody_counts_twice() {
        let bob_twice = Quorum { needed: 2, given: vec![yes("bob", 60), yes("bob", 60)] };
        assert!(!bob_twice.is_reached());
        assert!(Quorum { needed: 2, given: vec![yes("bob", 60), yes("fay", 60)] }.is_reached());
        assert!(!Quorum::of(1).is_reached() && !Quorum::of(0).is_reached(), "nobody is not enough");
    }

    #[test]
    fn the_shortest_time_counts() {
        let quorum = Quorum { needed: 2, given: vec![yes("bob", 60), yes("fay", 30)] };
        assert_eq!(quorum.lasts(Span::from_seconds(300)), Span::from_seconds(30));
        assert_eq!(Quorum::of(2).lasts(Span::from_seconds(300)), Span::from_seconds(300));
    }

    #[test]
    fn it_says_how_many_and_who() {
        assert_eq!(Quorum { needed: 2, given: vec![yes("bob", 60)] }.progress().unwrap(), "1 of 2, bob");
        assert_eq!(Quorum::of(3).progress().unwrap(), "0 of 3");
        assert_eq!(Quorum::default().progress(), None);
    }
}
