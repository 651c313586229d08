//! 2025-03-26 to 2025-11-25: `initialize`, sessions, streams opened by GET.
//!
//! The body alone counts. The headers that 2026-07-28 added are not checked by servers of this era,
//! so they are neither believed nor sent on. What makes a request well-formed beyond its envelope is
//! for the upstream to say: it knows its own session.
//!
//! Spec: MCP 2025-11-25 basic/transports, basic/lifecycle.
//!
//! Next: `session`, which binds the session to the principal.

use http::HeaderMap;
use mcp::jsonrpc::Message;

use super::NotSpoken;

/// Nothing in the headers has to agree with the body.
pub(super) fn check(_: &HeaderMap, _: &Message) -> Result<(), NotSpoken> {
    Ok(())
}
