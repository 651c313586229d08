//! Why policies can not be loaded: the file, the place in it, and what was expected there.

use cedar_policy::PolicyId;
use miette::Diagnostic;

/// Why a set of policies can not be loaded, with the place to look at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct PolicyError {
    /// The file, as named by the caller.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong there, and what was expected.
    pub message: String,
}

impl PolicyError {
    /// From what Cedar says about `text`.
    pub(crate) fn from_diagnostic(file: &str, text: &str, diagnostic: &dyn Diagnostic) -> Self {
        let label = diagnostic.labels().and_then(|mut labels| labels.next());
        let offset = label.as_ref().map_or(0, miette::LabeledSpan::offset);
        let mut message = diagnostic.to_string();
        if let Some(expected) = label.as_ref().and_then(|label| label.label()) {
            message = format!("{message}: {expected}");
        }
        if let Some(help) = diagnostic.help() {
            message = format!("{message} ({help})");
        }
        Self::at(file, text, offset, message)
    }

    /// At the byte `offset` of `text`.
    pub(crate) fn at(file: &str, text: &str, offset: usize, message: String) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message,
        }
    }

    /// Found with the arguments of that tool.
    pub(crate) fn about(mut self, tool: &str) -> Self {
        self.message = format!("{} (with the arguments of `{tool}`)", self.message);
        self
    }

    /// Cedar prefixes its findings with the id of the policy, which the place already names.
    pub(crate) fn without_policy(mut self, policy: &PolicyId) -> Self {
        if let Some(rest) = self.message.strip_prefix(&format!("for policy `{policy}`, ")) {
            self.message = format!("in policy `{policy}`: {rest}");
        }
        self
    }
}
