//! How long an answer of a server may be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long a JSON answer, and each event of a stream, may be.
///
/// Sixteen MiB: a picture or a document of ten, in base64, passes; what is longer is read by no model, and clients hold
/// an answer in memory as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum AnswerBytes {
    /// So many bytes.
    AtMost(usize),
    /// Whatever the server sends.
    Unlimited,
}

impl Default for AnswerBytes {
    fn default() -> Self {
        Self::AtMost(16 * 1024 * 1024)
    }
}

impl AnswerBytes {
    /// Do so many bytes pass?
    pub const fn allows(self, bytes: usize) -> bool {
        match self {
            Self::AtMost(most) => bytes <= most,
            Self::Unlimited => true,
        }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Written {
    Bytes(usize),
    Word(String),
}

impl TryFrom<Written> for AnswerBytes {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        match written {
            Written::Bytes(bytes @ 1..) => Ok(Self::AtMost(bytes)),
            Written::Word(word) if word == UNLIMITED => Ok(Self::Unlimited),
            // An override of the environment is text.
            Written::Word(word) => match word.parse() {
                Ok(bytes @ 1..) => Ok(Self::AtMost(bytes)),
                _ => Err("must be a number of bytes, or `unlimited`"),
            },
            Written::Bytes(0) => Err("must be a number of bytes, or `unlimited`"),
        }
    }
}

impl From<AnswerBytes> for Written {
    fn from(bytes: AnswerBytes) -> Self {
        match bytes {
            AnswerBytes::AtMost(bytes) => Self::Bytes(bytes),
            AnswerBytes::Unlimited => Self::Word(UNLIMITED.into()),
        }
    }
}

const UNLIMITED: &str = "unlimited";

impl JsonSchema for AnswerBytes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AnswerBytes".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A number of bytes, or `unlimited`.",
            "oneOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^([1-9][0-9]*|unlimited)$"}]
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Field: G16
    #[test]
    fn the_bound_is_there_unless_somebody_wrote_that_it_is_not() {
        let read = |value: serde_json::Value| serde_json::from_value::<AnswerBytes>(value).ok();
        assert!(AnswerBytes::default().allows(16 << 20) && !AnswerBytes::default().allows((16 << 20) + 1));
        assert_eq!(read(json!(1024)), Some(AnswerBytes::AtMost(1024)));
        assert_eq!(read(json!("1024")), Some(AnswerBytes::AtMost(1024)));
        assert_eq!(read(json!("unlimited")), Some(AnswerBytes::Unlimited));
        for refused in [json!(0), json!("0"), json!(-1), json!(null), json!("Unlimited"), json!("16MiB"), json!(true)] {
            assert_eq!(read(refused.clone()), None, "{refused}");
        }
        let written = |bytes| serde_json::to_value::<AnswerBytes>(bytes).unwrap();
        assert_eq!((written(AnswerBytes::AtMost(5)), written(AnswerBytes::Unlimited)), (json!(5), json!("unlimited")));
    }
}
