//! Names that people, or models, take for each other.
//!
//! Names are ASCII already ([`model::ToolName`]); what is left is case, the marks between words, and the digits that look like
//! letters.
//!
//! Spec: MCP 2026-07-28 server/tools (tool names are case-sensitive); Unicode UTS 39 §4 (skeletons, as far as ASCII goes).

use model::{ToolName, server::Kind};

/// What is left of a name when all that can be overlooked is taken away: two tools of one server with the same shape look
/// alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shape(String);

/// The shape of a name. Tools, prompts and resources are never taken for each other. A URI is read by programs, to which
/// every character is another one.
pub fn shape(name: &ToolName) -> Shape {
    if matches!(name.kind(), Kind::Template(_) | Kind::Uri(_) | Kind::Words(_)) {
        return Shape(name.as_str().to_owned());
    }
    let seen = |c: char| match c.to_ascii_lowercase() {
        '_' | '-' | '.' => None,
        '0' => Some('o'),
        '1' | 'i' => Some('l'),
        c => Some(c),
    };
    Shape(name.as_str().chars().filter_map(seen).collect())
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(one: &str, other: &str) -> bool {
        shape(&one.parse().unwrap()) == shape(&other.parse().unwrap())
    }

    #[test]
    fn case_marks_and_digits_like_letters_are_overlooked() {
        for (one, other) in [
            ("get_ticket", "getTicket"),
            ("get_ticket", "get-ticket"),
            ("delete_all", "de1ete_a1l"),
            ("mail", "maiI"),
            ("pool", "p0ol"),
        ] {
            assert!(alike(one, other), "{one} {other}");
        }
    }

    #[test]
    fn other_names_are_not_alike() {
        for (one, other) in [("get_ticket", "get_tickets"), ("a/b", "ab"), ("v2", "v3"), ("create", "update")] {
            assert!(!alike(one, other), "{one} {other}");
        }
        assert_ne!(shape(&ToolName::of_uri("a:1").unwrap()), shape(&ToolName::of_uri("a:l").unwrap()));
        assert_ne!(shape(&"summarize".parse().unwrap()), shape(&ToolName::of_prompt("summarize").unwrap()));
    }
}
