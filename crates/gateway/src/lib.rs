//! The gateway: in front of unmodified MCP servers, it decides every single request.
//!
//! A request comes in at [`Gateway::handle`] and passes through types that each prove a check:
//!
//! | type | what holds |
//! |---|---|
//! | `crypto::Presented` | a bearer string came off the wire |
//! | `crypto::Verified` | signature, audience and lifetime hold |
//! | [`principal::Principal`] | grant, agent and person stand; nothing is revoked |
//! | [`mcp::jsonrpc::Message`] | the body has one reading, and our serialisation of it |
//! | [`call::Call`] | a message in a revision, with headers that agree with it |
//! | `permit::Permit` | policy allowed this one call |
//! | `record::Recorded` | the intent is on disk |
//!
//! Only the last can be sent. What comes back is relayed as it comes, except that lists of tools are
//! filtered and streams end with the authority they were opened with.
//!
//! Spec: MCP 2026-07-28, 2025-11-25, 2025-06-18, 2025-03-26 basic/transports and basic/authorization;
//! RFC 6750, RFC 9728.
//!
//! Next: `http`, then `pipeline`.

mod awaited;
pub mod call;
mod call_outcome;
mod condition_watch;
mod conditions;
pub mod credential;
mod definitions;
mod detached;
mod elevation_use;
mod exact;
mod gateway;
mod hold;
mod http;
mod left;
mod lifetime;
mod may_be_done;
mod metadata;
mod origin;
mod permit;
mod pipeline;
mod preflight;
pub mod principal;
pub mod protected_server;
mod quota;
mod read_call;
mod record;
mod refusal;
mod refused;
mod sealed;
mod standing_stream;
mod tool_visibility;
mod upstream;

pub use gateway::{Gateway, GatewayParts};
pub use protected_server::SetupError;
