//! What a server gave out to get it back, sealed to whom it was given.

mod edited;
pub mod event_id;
pub mod request_state;
pub mod seals;
pub mod session;
