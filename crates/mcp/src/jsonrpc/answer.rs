//! An answer, as who asked reads it.
//!
//! Leniently: what is decided on is strict, what a server answers to ourselves only has to be understood.

use serde_json::Value;

/// What a request was answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The result.
    Result(Value),
    /// An error.
    Error {
        /// Its code.
        code: i64,
        /// Its message.
        message: String,
    },
}

/// Reads a message that answers a request; `None` when it is no answer.
///
/// Spec: JSON-RPC 2.0 §5
pub fn answer(message: &[u8]) -> Option<Answer> {
    let mut message: Value = serde_json::from_slice(message).ok()?;
    if let Some(error) = message.get("error").filter(|error| error.is_object()) {
        let text = error["message"].as_str().unwrap_or_default().to_owned();
        return Some(Answer::Error { code: error["code"].as_i64().unwrap_or(0), message: text });
    }
    message.get_mut("result").map(|result| Answer::Result(result.take()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_has_a_result_or_an_error_and_nothing_else_is_one() {
        assert_eq!(answer(br#"{"jsonrpc":"2.0","id":1,"result":{"a":1}}"#), Some(Answer::Result(json!({"a": 1}))));
        let error = Answer::Error { code: -32601, message: "no".into() };
        assert_eq!(answer(br#"{"id":1,"error":{"code":-32601,"message":"no"}}"#), Some(error));
        for none in [r#"{"method":"x","params":{"result":1}}"#, "[]", "{", r#"{"id":1,"error":"text"}"#] {
            assert_eq!(answer(none.as_bytes()), None, "{none}");
        }
    }
}
