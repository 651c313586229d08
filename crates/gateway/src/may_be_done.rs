//! What is told of a call of which nobody knows whether it was carried out: it must not simply be sent again.
//!
//! Spec: docs/decisions/0006-a-call-that-was-sent.md.

use mcp::sse;
use serde_json::{Value, json};

/// The JSON-RPC error, for people and for programs.
pub fn error(what: &str) -> Value {
    json!({"code": CODE, "message": words(what), "data": {"mayHaveBeenDone": true, "what": what}})
}

/// The event that ends the stream of the request `id`, raw JSON text, without its answer.
pub fn event(what: &str, id: &str) -> String {
    let error = error(what);
    sse::event(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{error}}}"))
}

/// What became known, and what to do.
pub fn words(what: &str) -> String {
    format!("{what}: it may have been done, so look before you repeat it")
}

/// Outside of what the protocols keep for themselves, and no HTTP status: nothing takes it for "try again".
///
/// Spec: JSON-RPC 2.0 §5.1 (−32768 to −32000 are reserved)
pub const CODE: i32 = -31001;
