//! The pages of one list, followed to their end: or until they have none.
//!
//! Spec: MCP 2026-07-28 server/utilities/pagination (cursors are opaque; a missing one is the end).

use std::collections::HashSet;

use serde_json::Value;

/// Why a list was not followed to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Endless {
    /// The same cursor came twice.
    #[error("gives the same cursor again: a client that follows it never ends")]
    Circle,
    /// More pages than anybody follows.
    #[error("has more than {MANY} pages, and only these were read")]
    TooMany,
    /// It was not there in time.
    #[error("takes too long")]
    TooSlow,
}

/// The pages so far.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    /// Each one as it came.
    pub(crate) pages: Vec<Vec<u8>>,
    seen: HashSet<String>,
}

/// A list longer than this is taken for a fault.
const MANY: usize = 50;

impl Pages {
    /// One more page. The cursor of the next one, when there is one and it leads on.
    pub(crate) fn take(&mut self, page: Vec<u8>, next: Value) -> Result<Option<Value>, Endless> {
        // Whoever ignores cursors sends the same page again.
        if self.pages.last() != Some(&page) {
            self.pages.push(page);
        }
        match next {
            Value::Null => Ok(None),
            next if !self.seen.insert(next.to_string()) => Err(Endless::Circle),
            _ if self.seen.len() >= MANY => Err(Endless::TooMany),
            next => Ok(Some(next)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Field: G24, T12
    #[test]
    fn a_list_is_followed_to_its_end_and_no_cursor_is_followed_twice() {
        let mut pages = Pages::default();
        assert_eq!(pages.take(b"one".to_vec(), json!("a")), Ok(Some(json!("a"))));
        assert_eq!(pages.take(b"two".to_vec(), json!("")), Ok(Some(json!(""))), "a cursor is opaque");
        assert_eq!(pages.take(b"three".to_vec(), Value::Null), Ok(None));
        assert_eq!(pages.pages, [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]);

        let mut circle = Pages::default();
        assert_eq!(circle.take(b"one".to_vec(), json!("a")), Ok(Some(json!("a"))));
        assert_eq!(circle.take(b"one".to_vec(), json!("a")), Err(Endless::Circle));
        assert_eq!(circle.pages.len(), 1, "the same page counts once");
    }

    /// Field: G24, T12
    #[test]
    fn a_list_without_an_end_is_left_after_fifty_pages_and_that_is_said() {
        let mut pages = Pages::default();
        let taken = (0..100).map(|n: u32| pages.take(n.to_string().into_bytes(), json!(n))).find_map(Result::err);
        assert_eq!(taken, Some(Endless::TooMany));
        assert_eq!(pages.pages.len(), MANY);
    }
}
