//! Policy: the only crate that knows Cedar.
//!
//! A [`Policies`] is the built-in pack together with the operator's own files, checked against one
//! schema. It answers a [`model::Question`] with a [`model::Decision`]. A question is all that a
//! policy can see: no time, no network, no store. So the same question always has the same answer,
//! and answers may be kept.
//!
//! Cedar skips a policy whose evaluation fails, even a `forbid`. Here any failure is a denial.
//!
//! Next: [`policies`].

mod error;
mod evaluate;
mod load;
pub mod policies;
mod slices;

pub use error::PolicyError;
pub use load::PolicyFile;
pub use policies::Policies;
