//! Every change of privilege, and the rules that it follows.
//!
//! Each function takes the transaction, reads in it all that the change depends on, makes the change, and returns its
//! event: [`store::Commit`] writes both or neither. Pages, tokens, calls and commands come here, so an elevation is
//! opened, decided, used and ended by one rule, whoever asks. No HTTP, no HTML, no network.
//!
//! Next: [`authority`], what an agent may do; [`elevation`], the life of one; [`mod@standing`], whether what it rests on
//! stands.

pub mod agent;
pub mod approvers;
pub mod asked_call;
pub mod authority;
pub mod block;
pub mod catalogue;
pub mod clock;
pub mod duty;
pub mod elevation;
pub mod exception;
pub mod grant;
pub mod installation;
pub mod key;
pub mod latitude;
pub mod person;
mod refused;
pub mod rotation;
pub mod separation_of_duty;
pub mod standing;
pub mod task;
pub mod version;

pub use refused::Refused;
pub use separation_of_duty::{Decider, DutyError};
