//! Policy: the only crate that knows Cedar.
//!
//! A [`Policies`] is the built-in pack together with the operator's own files, checked against one
//! schema. It answers a [`model::Question`] with a [`model::Decision`]. A question is all that a
//! policy can see, besides the [`Arguments`] of a call: no time, no network, no store. So the same
//! question always has the same answer, and answers may be kept where no policy looks at arguments.
//!
//! Cedar skips a policy whose evaluation fails, even a `forbid`. Here any failure is a denial.
//!
//! Next: [`policies`].

mod by_input;
mod directory;
mod error;
mod evaluate;
mod exact;
mod exceptions;
mod input_schema;
mod input_type;
mod load;
pub mod policies;
mod schema;
mod slices;
mod typed;
mod validate;
mod words;

pub use directory::{Accepted, Directory};
pub use error::PolicyError;
pub use exact::is_at_most;
pub use input_type::InputType;
pub use load::PolicyFile;
pub use policies::Policies;
pub use typed::{Arguments, Untypable};
pub use validate::Unchecked;
