//! Telling receivers outside what happens: approvals that wait, what was decided, what was stopped.
//!
//! What is told is made by the transaction of the event (`model::message`, `store::Store::tell`). Here it is sent: by whichever
//! node takes it first, again after growing pauses until a receiver takes it, and not for ever. A receiver that is away
//! holds up nobody but itself.
//!
//! Next: [`deliver`].

pub mod deliver;
pub mod mail_text;
pub mod pause;
pub mod receivers;
pub mod subscriptions;

pub use deliver::{Delivered, Notifier};
pub use receivers::{Answer, BadReceiver, Receivers};
