//! Why a body is not one message.

use super::code;
use crate::json::NotStrict;

/// Why a body is not one message, and the id to answer to, where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The id, as raw JSON text.
    pub id: Option<Box<str>>,
    /// The cause.
    pub cause: Cause,
}

/// Why a body is not one message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// Two parsers could read it differently.
    #[error(transparent)]
    NotStrict(#[from] NotStrict),
    /// An array: batches were removed in 2025-06-18.
    #[error("a batch: send one message per request")]
    Batch,
    /// Some other value.
    #[error("a message is a JSON object")]
    NotAnObject,
    /// No `"jsonrpc":"2.0"`.
    #[error("`jsonrpc` must be \"2.0\"")]
    NotJsonRpc,
    /// An id that is an object, an array or a boolean.
    #[error("`id` must be a string or a number")]
    BadId,
    /// Neither a method nor an answer, or both.
    #[error("a message has either `method`, or `id` with one of `result` and `error`")]
    Shapeless,
    /// A member that some parsers take for another one.
    #[error("a member name differs from `{0}` only in case")]
    Folded(&'static str),
    /// `params` is not what every method has.
    #[error("`{0}` in `params` has the wrong type")]
    BadParam(&'static str),
}

impl Cause {
    /// The JSON-RPC code.
    ///
    /// Spec: JSON-RPC 2.0 §5.1
    pub const fn code(&self) -> i32 {
        match self {
            Self::NotStrict(_) => code::PARSE_ERROR,
            Self::BadParam(_) => code::INVALID_PARAMS,
            Self::Batch | Self::NotAnObject | Self::NotJsonRpc | Self::BadId | Self::Shapeless | Self::Folded(_) => {
                code::INVALID_REQUEST
            }
        }
    }
}
