//! How the records of a call name it.

use crate::call::Call;

/// As long as a log line may be.
pub fn method(call: &Call) -> String {
    call.method().chars().take(128).collect()
}

/// As long as a log line may be; where it matters, the rule that matched is named beside it.
pub fn uri(call: &Call) -> Option<String> {
    let uri = call.called()?.params().uri.as_deref()?;
    Some(uri.chars().take(256).collect())
}
