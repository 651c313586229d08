//! A part of a list, and where the next part begins.
//!
//! A list is read from what comes after the last row that was seen, and never by counting rows: a page costs what it
//! shows, however long the list is, and nothing is shown twice or left out when the list grows meanwhile.
//!
//! Spec: docs/decisions/0029-lists-are-read-in-pages.md.

use std::{fmt, str::FromStr};

use model::{Id, Timestamp};

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, C> {
    /// What is in it. Fewer than were asked for says nothing: some may have been taken out.
    pub items: Vec<T>,
    /// The last of it, after which the next part begins; `None` when there is none.
    pub next: Option<C>,
}

impl<T, C> Page<T, C> {
    /// Of rows that were asked for with [one more](more_than) than `limit`.
    pub(crate) fn of(mut items: Vec<T>, limit: u32, place: impl Fn(&T) -> C) -> Self {
        let is_more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = items.last().filter(|_| is_more).map(place);
        Self { items, next }
    }

    /// Without what `keep` does not keep.
    pub(crate) fn keep(mut self, keep: impl Fn(&T) -> bool) -> Self {
        self.items.retain(keep);
        self
    }
}

/// The number of rows that tells whether there is a next page.
pub(crate) fn more_than(limit: u32) -> i64 {
    i64::from(limit) + 1
}

/// A place in a list that is ordered by time: after the one of that id, whose time that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After<T> {
    /// Its time in the order of the list.
    pub at: Timestamp,
    /// Its id.
    pub id: Id<T>,
}

/// As it stands in the address of a page: `microseconds.id`.
impl<T> fmt::Display for After<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at.micros(), self.id)
    }
}

impl<T> FromStr for After<T>
where
    Id<T>: FromStr,
{
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (at, id) = text.split_once('.').ok_or("a place in a list is a time and an id")?;
        let at = at.parse().map_err(|_| "the time of a place in a list is a number")?;
        let id = id.parse().map_err(|_| "a place in a list names an id")?;
        Ok(Self { at: Timestamp::from_micros(at), id })
    }
}

#[cfg(test)]
mod tests {
    use model::Grant;

    use super::*;

    #[test]
    fn one_row_more_than_a_page_says_that_there_is_another() {
        let page = |rows: &[u32]| Page::of(rows.to_vec(), 2, |row| *row);
        assert_eq!(page(&[1, 2, 3]), Page { items: vec![1, 2], next: Some(2) });
        assert_eq!(page(&[1, 2]), Page { items: vec![1, 2], next: None });
        assert_eq!(page(&[1, 2, 3]).keep(|row| *row > 2), Page { items: vec![], next: Some(2) });
    }

    #[test]
    fn a_place_reads_back_from_the_address_of_a_page_and_nothing_else_is_one() {
        let place = After::<Grant> { at: Timestamp::from_micros(17), id: "grt_1".parse().unwrap() };
        assert_eq!(place.to_string().parse(), Ok(place));
        for wrong in ["", "17", "x.grt_1", "17.no id"] {
            assert!(wrong.parse::<After<Grant>>().is_err(), "{wrong}");
        }
    }
}
