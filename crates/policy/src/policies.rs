//! A set of policies.

use model::{Decision, Question};

use crate::PolicyError;

/// One file of policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFile {
    /// Its name in messages, such as the path.
    pub name: String,
    /// Its text, in Cedar.
    pub text: String,
}

/// The built-in policies and the operator's own, ready to decide.
#[derive(Debug)]
pub struct Policies;

impl Policies {
    /// The built-in policies alone.
    pub fn built_in() -> Self {
        todo!()
    }

    /// The built-in policies together with `extra`.
    pub fn load(_extra: &[PolicyFile]) -> Result<Self, PolicyError> {
        todo!()
    }

    /// The answer to `question`.
    pub fn decide(&self, _question: &Question) -> Decision {
        todo!()
    }

    /// Hex digest of the schema and all texts: the version of the policy in the audit.
    pub fn fingerprint(&self) -> &str {
        todo!()
    }

    /// Every file, the built-in one first.
    pub fn texts(&self) -> &[PolicyFile] {
        todo!()
    }
}
