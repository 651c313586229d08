//! How a client is told that a call needs more than its agent holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a client is told that a call needs a consent or an approval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChallengeStyle {
    /// As the specification has it: 403 with `WWW-Authenticate`, after which the client authorizes again.
    #[default]
    Http,
    /// As the result of the tool, with the address at which a person can open it: for clients that drop the 403, or take it
    /// for the end of their connection. The same call works once it was opened.
    ToolError,
    /// The 403 with its header, and in its body the result of the tool, which repeats the header in `_meta`.
    Both,
}
