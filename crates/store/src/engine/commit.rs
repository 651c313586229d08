//! How a change ends: with its record, or not at all.

use model::Event;

/// The outcome of a change composed in [`crate::Store::write`].
#[must_use]
#[derive(Debug)]
pub struct Commit<T> {
    pub(crate) events: Vec<Event>,
    pub(crate) value: T,
}

impl<T> Commit<T> {
    /// Keeps the change, together with `event`, and answers `value`.
    pub fn with(event: Event, value: T) -> Self {
        Self { events: vec![event], value }
    }

    /// Records `event` too, after those before it.
    pub fn and(mut self, event: Event) -> Self {
        self.events.push(event);
        self
    }

    /// Answers `value` and rolls the change back, because there is no change without its record.
    pub fn nothing(value: T) -> Self {
        Self { events: Vec::new(), value }
    }
}
