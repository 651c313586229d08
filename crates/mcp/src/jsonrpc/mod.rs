//! JSON-RPC as MCP has it: one message in a body.
//!
//! Spec: JSON-RPC 2.0; MCP basic/index (messages).

mod answer;
pub mod code;
mod malformed;
mod message;
mod names;
mod params;

pub use answer::{Answer, answer};
pub use malformed::{Cause, Malformed};
pub use message::{Message, MethodCall, parse};
pub use params::{CLIENT_CAPABILITIES, PROTOCOL_VERSION, Params, Reference, STEP_UP, SentToUs};

#[cfg(test)]
mod tests;
