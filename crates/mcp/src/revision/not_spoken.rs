//! Why a request follows no revision.

use serde_json::{Value, json};

use crate::jsonrpc::code;

/// Why a request follows no revision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSpoken {
    /// A header and the body say different things, or a required header is missing. Stateless only.
    #[error("{0}")]
    HeaderMismatch(String),
    /// The version is none of ours. Stateless only.
    #[error("protocol version `{requested}` is not supported")]
    Unsupported {
        /// What was asked for.
        requested: String,
        /// What a client can use that asks in this way.
        supported: Vec<&'static str>,
    },
    /// A required member of `_meta` is missing. Stateless only.
    #[error("`_meta` lacks `{0}`")]
    MissingMeta(&'static str),
    /// Answers to requests of the server do not exist in this revision. Stateless only.
    #[error("a response cannot be sent in this revision")]
    ResponseSent,
    /// A header that names no revision, on a request of the old era.
    #[error("the header MCP-Protocol-Version names no revision known here")]
    UnknownVersion,
}

impl NotSpoken {
    /// The JSON-RPC code.
    ///
    /// Only requests that are stateless beyond doubt get the codes -32020 and -32022, by which clients recognise a
    /// stateless server: a client of a server with sessions must stay free to fall back to `initialize`.
    pub const fn code(&self) -> i32 {
        match self {
            Self::HeaderMismatch(_) => -32020,
            Self::Unsupported { .. } => -32022,
            Self::MissingMeta(_) => code::INVALID_PARAMS,
            Self::ResponseSent | Self::UnknownVersion => code::INVALID_REQUEST,
        }
    }

    /// The `data` of the JSON-RPC error: for programs.
    pub fn data(&self) -> Option<Value> {
        match self {
            Self::Unsupported { requested, supported } => Some(json!({"supported": supported, "requested": requested})),
            _ => None,
        }
    }
}
