//! Quorums: how many different people have to approve, and who has so far.
//!
//! One person can be talked into anything. What can not be undone may take two, who decide each by themselves; nobody
//! counts twice, whoever they speak for.
//!
//! Spec: NIST SP 800-53 AC-3 (2) (dual authorization).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Duty, Id, Person, Span, Timestamp};

/// How many people have to approve, and who has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quorum {
    /// So many different people.
    pub needed: u32,
    /// Those who have, in the order in which they did.
    #[serde(default)]
    pub given: Vec<Yes>,
    /// How many wrong numbers were typed, where whoever approves has to type the one that whoever asked sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong_numbers: Option<u32>,
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
    /// By what was handed to them, and in whose name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duty: Option<(Id<Duty>, Id<Person>)>,
}

impl Yes {
    /// Everybody who counts with it: who said so, and in whose name.
    pub fn people(&self) -> impl Iterator<Item = &Id<Person>> {
        std::iter::once(&self.by).chain(self.in_name_of())
    }

    /// In whose name, when it was handed to them.
    pub fn in_name_of(&self) -> Option<&Id<Person>> {
        self.duty.as_ref().map(|(_, from)| from)
    }
}

impl Default for Quorum {
    fn default() -> Self {
        Self::of(1)
    }
}

impl Quorum {
    /// Of so many people, none of whom has decided yet.
    pub const fn of(needed: u32) -> Self {
        Self { needed, given: Vec::new(), wrong_numbers: None }
    }

    /// Is one person enough, as ever?
    pub const fn is_of_one(&self) -> bool {
        self.needed <= 1 && self.given.is_empty() && self.wrong_numbers.is_none()
    }

    /// Has that person decided already?
    pub fn has(&self, person: &Id<Person>) -> bool {
        self.given.iter().any(|yes| yes.by == *person)
    }

    /// Does that person count already, by themselves or because somebody decided in their name?
    pub fn counts(&self, person: &Id<Person>) -> bool {
        self.given.iter().flat_map(Yes::people).any(|one| one == person)
    }

    /// Have enough different people approved?
    pub fn is_reached(&self) -> bool {
        let mut people = std::collections::BTreeSet::new();
        let mut count = 0;
        for yes in &self.given {
            let news = yes.people().filter(|person| people.insert(person.as_str())).count();
            count += usize::from(news == yes.people().count());
        }
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

/// `bob`, or `eve for bob`.
impl fmt::Display for Yes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.by)?;
        self.in_name_of().map_or(Ok(()), |from| write!(f, " for {from}"))
    }
}

/// `1 of 2, bob`.
impl fmt::Display for Quorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.given.len(), self.needed)?;
        self.given.iter().try_for_each(|yes| write!(f, ", {yes}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yes(by: &str, seconds: u32) -> Yes {
        Yes { by: by.parse().unwrap(), at: Timestamp::from_seconds(1), lasts: Span::from_seconds(seconds), duty: None }
    }

    fn in_name_of(by: &str, from: &str) -> Yes {
        Yes { duty: Some(("dut_1".parse().unwrap(), from.parse().unwrap())), ..yes(by, 60) }
    }

    #[test]
    fn nobody_counts_twice() {
        let bob_twice = Quorum { given: vec![yes("bob", 60), yes("bob", 60)], ..Quorum::of(2) };
        assert!(!bob_twice.is_reached());
        assert!(Quorum { given: vec![yes("bob", 60), yes("fay", 60)], ..Quorum::of(2) }.is_reached());
        for twice in [
            [yes("bob", 60), in_name_of("eve", "bob")],
            [in_name_of("eve", "bob"), yes("bob", 60)],
            [in_name_of("eve", "bob"), in_name_of("eve", "fay")],
            [in_name_of("eve", "bob"), in_name_of("carol", "bob")],
        ] {
            assert!(!Quorum { given: twice.to_vec(), ..Quorum::of(2) }.is_reached(), "{twice:?}");
        }
        let each = vec![in_name_of("eve", "bob"), in_name_of("carol", "fay")];
        assert!(Quorum { given: each, ..Quorum::of(2) }.is_reached());
        assert!(!Quorum::of(1).is_reached() && !Quorum::of(0).is_reached(), "nobody is not enough");
    }

    #[test]
    fn the_shortest_time_counts() {
        let quorum = Quorum { given: vec![yes("bob", 60), yes("fay", 30)], ..Quorum::of(2) };
        assert_eq!(quorum.lasts(Span::from_seconds(300)), Span::from_seconds(30));
        assert_eq!(Quorum::of(2).lasts(Span::from_seconds(300)), Span::from_seconds(300));
    }

    #[test]
    fn it_says_how_many_and_who() {
        assert_eq!(Quorum { given: vec![yes("bob", 60)], ..Quorum::of(2) }.progress().unwrap(), "1 of 2, bob");
        assert_eq!(Quorum::of(3).progress().unwrap(), "0 of 3");
        assert_eq!(Quorum::default().progress(), None);
    }
}
