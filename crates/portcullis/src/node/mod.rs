//! One node: the three roles on one listener, over one store.
//!
//! Next: [`Node`], what it is made of; `serve`, what it does.

mod configured;
pub mod control;
pub mod decision;
mod generation;
mod logging;

mod misdirected;
pub mod order;
mod readiness;
mod reload;
mod seed;
mod serve;
mod sweep;
mod witness;

pub use configured::{accepted, certificate, fetch_rules, open_store, policies, policies_for, receivers};
pub use generation::{Node, foreseen};
pub use logging::log_to_stderr;
pub use seed::Changes;
