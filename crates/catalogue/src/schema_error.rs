//! Why a schema is none to check by.

/// Why arguments can not be checked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// The name is listed with several meanings.
    #[error("its server lists several tools of this name")]
    Several,
    /// A reference to what is not in the definition.
    #[error("its schema refers to `{0}`, which is not in it, and nothing is fetched")]
    Outside(String),
    /// References that come back to where they began.
    #[error("the references in its schema never end")]
    Endless,
    /// References of which the target is only known while checking.
    #[error("its schema uses dynamic references, which are not followed")]
    Dynamic,
    /// It would make too much work.
    #[error("its schema would take too long to check")]
    TooHeavy,
    /// No draft of JSON Schema knows what it says.
    #[error("its schema is no JSON Schema: {0}")]
    NoSchema(String),
}
