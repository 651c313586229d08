//! Streams of server-sent events: cut, read, followed and written; the same for what comes and for what goes.
//!
//! Spec: WHATWG HTML §9.2.5 (parsing an event stream), §9.2.6 (interpreting an event stream).

mod answer_seen;
mod edge;
mod event;
mod lines;
mod splitter;

pub use answer_seen::AnswerSeen;
pub use edge::Edge;
pub use event::{COMMENT, data, event, is_message, with_data, without_data};
pub use lines::{Field, Lines, Step};
pub use splitter::{Splitter, TooLong};

/// The header that names the event after which a stream is to be resumed.
pub const LAST_EVENT_ID: &str = "last-event-id";

#[cfg(test)]
mod tests;
