//! Approving in the name of another person: handed over, ended, and asked for whenever it is used.

pub mod delegate;
pub mod end;
pub mod stand_in;

pub use stand_in::{StandIn, stand_ins};
