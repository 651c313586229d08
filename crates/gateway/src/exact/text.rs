//! What a call does, as one canonical text: the arguments that are sent, and nothing that only looks like them.
//!
//! Spec: RFC 8785.

use mcp::{json, method::ActsOn};

use crate::call::Call;

/// Arguments of a tool or prompt, or what is done with a resource. `None` for what does nothing that one could approve by
/// itself: completions, and subscriptions to several resources.
pub fn of(call: &Call) -> Option<String> {
    let called = call.called()?;
    match call.revision.method(called.method())?.acts_on {
        ActsOn::Tool | ActsOn::Prompt => match called.arguments() {
            None => Some("{}".to_owned()),
            Some(text) => json::check(text).ok().map(json::Strict::canonical),
        },
        ActsOn::Resource => {
            let uri = serde_json::Value::from(called.params().uri.as_deref()?);
            Some(format!("{{\"method\":\"{}\",\"uri\":{uri}}}", called.method()))
        }
        ActsOn::Server | ActsOn::Introduction | ActsOn::List | ActsOn::Completed | ActsOn::Subscribed => None,
    }
}
