//! What the token endpoint answers.
//!
//! Spec: RFC 6749 §5.1 and §5.2.

use std::fmt;

use crate::task_details::TaskGranted;
use model::{Elevation, Id};
use serde::{Deserialize, Serialize};

/// Here it is. Spec: RFC 6749 §5.1
#[derive(Clone, Serialize, Deserialize)]
pub struct TokenResponse {
    /// The token.
    pub access_token: String,
    /// How it is presented: `Bearer`, or `DPoP` with a proof of the key that it is bound to. Spec: RFC 9449 §5
    pub token_type: String,
    /// For how many seconds it is good.
    #[serde(default)]
    pub expires_in: u64,
    /// What it is good for; empty when a server says it is what was asked for.
    #[serde(default)]
    pub scope: String,
    /// What the next one is had by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// What was asked for beyond that, and waits for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elevation_id: Option<Id<Elevation>>,
    /// The task that it belongs to. Spec: RFC 9396 §7
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<TaskGranted>,
}

/// Never a token.
impl fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expires_in, scope, elevation_id, .. } = self;
        let mut shown = f.debug_struct("TokenResponse");
        shown.field("scope", scope).field("expires_in", expires_in).field("elevation_id", elevation_id);
        shown.finish_non_exhaustive()
    }
}

/// No, or not yet. Spec: RFC 6749 §5.2
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRefusal {
    /// The code; of ours, an [`model::ErrorCode`].
    pub error: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error_description: String,
    /// The elevation that a person has to decide on, or said no to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elevation_id: Option<Id<Elevation>>,
    /// After how many seconds to ask again. Spec: RFC 8628 §3.2
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_is_shown_to_a_log() {
        let text = r#"{"access_token":"at-secret","token_type":"Bearer","expires_in":60,"scope":"tickets:low",
                       "refresh_token":"rt-secret"}"#;
        let response: TokenResponse = serde_json::from_str(text).unwrap();
        assert!(!format!("{response:?}").contains("secret"));
        assert!(serde_json::to_string(&response).unwrap().contains("rt-secret"));
    }

    /// Spec: RFC 6749 §5.2 (only `error` is required)
    #[test]
    fn a_refusal_of_another_server_is_read_with_what_it_has() {
        let refusal: TokenRefusal = serde_json::from_str(r#"{"error":"slow_down"}"#).unwrap();
        assert_eq!((refusal.error.as_str(), refusal.interval), ("slow_down", None));
        assert_eq!(serde_json::to_string(&refusal).unwrap(), r#"{"error":"slow_down"}"#);
    }
}
