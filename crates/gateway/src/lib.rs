//! The gateway: in front of unmodified MCP servers, it decides every single request.
//!
//! A request comes in at [`Gateway::handle`] and passes through types that each prove a check:
//!
//! | type | what holds |
//! |---|---|
//! | `token::Presented` | a bearer string came off the wire |
//! | `token::Verified` | signature, audience and lifetime hold |
//! | [`live::Live`] | grant, agent and person stand; nothing is revoked |
//! | [`mcp::jsonrpc::Message`] | the body has one reading, and our serialisation of it |
//! | [`call::Call`] | a message in a revision, with headers that agree with it |
//! | [`permit::Permit`] | policy allowed this one call |
//! | [`permit::Recorded`] | the intent is on disk |
//!
//! Only the last can be sent. What comes back is relayed as it comes, except that lists of tools are
//! filtered and streams end with the authority they were opened with.
//!
//! Spec: MCP 2026-07-28, 2025-11-25, 2025-06-18, 2025-03-26 basic/transports and basic/authorization;
//! RFC 6750, RFC 9728.
//!
//! Next: `gateway::Gateway::handle`.

pub mod authority;
mod bearer;
pub mod call;
pub mod desk;
mod door;
mod edit;
mod ending;
mod event_id;
mod forward;
mod gateway;
pub mod ground;
pub mod lasting;
mod left_out;
mod listening;
pub mod live;
mod metadata;
pub mod permit;
mod preflight;
pub mod protected;
pub mod quota;
mod record;
pub mod refusal;
mod refused;
mod relay;
mod request_state;
pub mod sealing;
pub mod sent;
pub mod session;
mod to_the_end;
mod tool_list;
mod used;
mod verdicts;
mod viewer;
mod watch;

pub use gateway::{Gateway, GatewayParts, SetupError};
