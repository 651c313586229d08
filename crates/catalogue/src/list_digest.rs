//! One digest for a whole list.

use crypto::Digest;
use mcp::json::{self, Strict};
use serde_json::{Value, json};

use crate::Definition;

/// SHA-256 of the names in a list with the digests of what they mean, whatever order the list was in. Its definitions are
/// one each.
pub fn list_digest<'d>(all: impl IntoIterator<Item = &'d Definition>) -> Digest {
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by_key(|definition| definition.name());
    let names = all.iter().map(|one| json!([one.name().qualified(&""), one.digest().to_hex()]));
    let text = Value::Array(names.collect()).to_string();
    // INVARIANT: an array of texts is strict JSON.
    Digest::of(&json::check(text.as_bytes()).map(Strict::canonical).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_names_what_is_listed_whatever_the_order() {
        let tool = |text: &str| Definition::of_tool(json::check(text.as_bytes()).unwrap()).unwrap();
        let (a, b, other) = (tool(r#"{"name":"a"}"#), tool(r#"{"name":"b"}"#), tool(r#"{"name":"b","x":1}"#));
        assert_eq!(list_digest([&a, &b]), list_digest([&b, &a]));
        for different in [vec![&a], vec![&a, &other], vec![]] {
            assert_ne!(list_digest(different), list_digest([&a, &b]));
        }
    }
}
