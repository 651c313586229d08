//! The Model Context Protocol on the wire, for whoever reads or writes it: the gateway, our own client, and tests.
//!
//! Pure: bytes and headers come in, values and bytes go out. No store, no policy, no network, no clock. What a server
//! gives out is sealed in the gateway, what is decided on is decided there too.
//!
//! Spec: MCP 2026-07-28, 2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05.
//!
//! Next: `jsonrpc::parse`.

pub mod challenge;
pub mod json;
pub mod jsonrpc;
pub mod list;
pub mod method;
pub mod request_state;
pub mod revision;
pub mod session;
pub mod sse;
pub mod transport;
