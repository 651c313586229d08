//! Policy: the only crate that knows Cedar.
//!
//! A [`Policies`] is the built-in pack together with the operator's own files, checked against one
//! schema. It answers a [`model::Question`] with a [`model::Decision`].

mod error;
mod policies;

pub use error::PolicyError;
pub use policies::{Policies, PolicyFile};
