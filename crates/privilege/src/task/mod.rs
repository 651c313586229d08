//! The life of a task: opened, used, said to be complete, ended; and whether a call may name it.
//!
//! A task is what privilege belongs to: its elevations count in its calls alone, and end with it in the same transaction.

pub mod complete;
pub mod end;
pub mod lacked;
pub mod named;
pub mod open;
pub mod uses;
