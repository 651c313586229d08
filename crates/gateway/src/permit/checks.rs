//! By what a call was looked at before it was permitted.

use crypto::Digest;
use privilege::authority::Excepted;

/// By what the arguments of a call were checked, and what the log says of them.
#[derive(Debug, Default)]
pub struct Checks {
    /// The accepted definition.
    pub definition: Option<Digest>,
    /// A salted commitment to the arguments, of calls of the high tier.
    pub arguments: Option<String>,
    /// The exceptions that were among the facts.
    pub excepted: Excepted,
}
