//! The codes of JSON-RPC errors.
//!
//! Spec: JSON-RPC 2.0 §5.1

/// The text is no JSON, or is no strict JSON.
pub const PARSE_ERROR: i32 = -32700;
/// The JSON is no message.
pub const INVALID_REQUEST: i32 = -32600;
/// The method does not exist here.
pub const METHOD_NOT_FOUND: i32 = -32601;
/// The parameters are not what the method takes.
pub const INVALID_PARAMS: i32 = -32602;
