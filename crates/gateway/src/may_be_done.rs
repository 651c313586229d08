//! What is told of a call of which nobody knows whether it was carried out: it must not simply be sent again.
//!
//! Spec: docs/decisions/0006-a-call-that-was-sent.md.

use std::fmt;

use mcp::sse;
use serde_json::{Value, json};

/// Why nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MayBeDone {
    /// The store could not be relied on any more.
    StoreLost,
    /// The agent, its grant or its person was stopped.
    Revoked,
    /// The tool was switched off.
    ToolOff,
    /// The elevation was ended.
    ElevationEnded,
    /// Its task was ended.
    TaskEnded,
    /// It took too long.
    TooLong,
    /// The server said nothing in time.
    NoAnswer,
    /// The connection broke before the answer began.
    ConnectionBroke,
    /// The answer is longer than is passed on.
    AnswerTooLong,
    /// The answer is encoded.
    Encoded,
    /// The gateway stops.
    GatewayStops,
    /// The stream broke before the answer.
    StreamBroke,
    /// The stream ended without the answer.
    StreamEnded,
}

impl MayBeDone {
    /// What became known.
    pub const fn what(self) -> &'static str {
        match self {
            Self::StoreLost => "the gateway lost its store while the call was under way",
            Self::Revoked => "access was revoked while the call was under way",
            Self::ToolOff => "the tool was switched off while the call was under way",
            Self::TaskEnded => "the task was ended while the call was under way",
            Self::ElevationEnded => "the elevation was ended while the call was under way",
            Self::TooLong => "the call took longer than any may",
            Self::NoAnswer => "the server did not answer in time",
            Self::ConnectionBroke => "the connection to the server broke before it answered",
            Self::AnswerTooLong => "the server's answer is longer than the gateway passes on (`answer_bytes`)",
            Self::Encoded => "the server answered in an encoding that was not asked for",
            Self::GatewayStops => "the gateway stops",
            Self::StreamBroke => "the server's stream broke before its answer",
            Self::StreamEnded => "the server's stream ended without its answer",
        }
    }

    /// The JSON-RPC error, for people and for programs.
    pub fn error(self) -> Value {
        let what = self.what();
        json!({"code": CODE, "message": self.to_string(), "data": {"mayHaveBeenDone": true, "what": what}})
    }

    /// The event that ends the stream of the request `id`, raw JSON text, without its answer.
    pub fn event(self, id: &str) -> String {
        let error = self.error();
        sse::event(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{error}}}"))
    }
}

/// What became known, and what to do.
impl fmt::Display for MayBeDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: it may have been done, so look before you repeat it", self.what())
    }
}

/// Outside of what the protocols keep for themselves, and no HTTP status: nothing takes it for "try again".
///
/// Spec: JSON-RPC 2.0 §5.1 (−32768 to −32000 are reserved)
pub const CODE: i32 = -31001;
