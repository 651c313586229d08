//! The arguments of one call, as a person reads them before they approve exactly that.
//!
//! Nothing is left out and nothing is told twice: each value stands at its place, with the digits that it came with, and
//! with the characters that nobody would see written out.

use std::collections::BTreeMap;

use mcp::json::{self, Strict};
use model::shown::revealed;

/// One value of the arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownArgument {
    /// Where it stands: `to.0`, `filter.id`.
    pub place: String,
    /// What stands there.
    pub value: Shown,
    /// What stood there in the call that was approved last, when that is something else.
    pub before: Option<Before>,
}

/// A value, told apart from a text that looks like it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A text.
    Text(String),
    /// A number, `true`, `false`, `null`, `{}` or `[]`.
    Literal(String),
}

/// What stood at a place before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Nothing,
    /// This.
    Value(Shown),
}

/// Each value of `arguments`, a JSON text, in the order of their places; beside those of the call before, if there was one.
/// What the one before had and this one has not stands at the end, as [`ShownArgument::value`] of nothing.
pub fn shown_arguments(arguments: &str, before: Option<&str>) -> Vec<ShownArgument> {
    let now = values(arguments);
    let Some(mut earlier) = before.map(values) else {
        return now.into_iter().map(|(place, value)| ShownArgument { place, value, before: None }).collect();
    };
    let mut all: Vec<ShownArgument> = now
        .into_iter()
        .map(|(place, value)| {
            let before = match earlier.remove(&place) {
                None => Some(Before::Nothing),
                Some(before) => Some(before).filter(|before| *before != value).map(Before::Value),
            };
            ShownArgument { place, value, before }
        })
        .collect();
    all.extend(earlier.into_iter().map(|(place, before)| ShownArgument {
        place,
        value: Shown::Literal("left out".to_owned()),
        before: Some(Before::Value(before)),
    }));
    all
}

fn values(text: &str) -> BTreeMap<String, Shown> {
    let mut found = BTreeMap::new();
    if let Ok(value) = json::check(text.as_bytes()) {
        collect(value, "", &mut found);
    }
    found
}

/// As deep as the value, which was checked to nest no deeper than [`json::MAX_DEPTH`].
fn collect(value: Strict<'_>, place: &str, found: &mut BTreeMap<String, Shown>) {
    let under = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    if let Some(members) = value.members().filter(|members| !members.is_empty()) {
        members.into_iter().for_each(|(name, value)| collect(value, &under(&named(&name)), found));
    } else if let Some(elements) = value.elements().filter(|elements| !elements.is_empty()) {
        elements.into_iter().enumerate().for_each(|(at, value)| collect(value, &under(&at.to_string()), found));
    } else if !place.is_empty() {
        let shown = match value.string() {
            Some(text) => Shown::Text(revealed(&text)),
            None => Shown::Literal(value.as_str().to_owned()),
        };
        found.insert(place.to_owned(), shown);
    }
}

/// A name that could be taken for two names, or for the place in a list, is quoted.
fn named(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    match !name.is_empty() && name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        true => name.to_owned(),
        false => format!("“{}”", revealed(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &Shown) -> String {
        match value {
            Shown::Text(text) => format!("\"{text}\""),
            Shown::Literal(text) => text.clone(),
        }
    }

    fn card(arguments: &str, before: Option<&str>) -> Vec<String> {
        let line = |one: ShownArgument| match &one.before {
            None => format!("{}={}", one.place, text(&one.value)),
            Some(Before::Nothing) => format!("{}={} (new)", one.place, text(&one.value)),
            Some(Before::Value(before)) => format!("{}={} (was {})", one.place, text(&one.value), text(before)),
        };
        shown_arguments(arguments, before).into_iter().map(line).collect()
    }

    #[test]
    fn each_value_stands_at_its_place_and_no_two_read_alike() {
        let arguments = r#"{"id":"41","n":41,"big":12345678901234567890123,"to":["a",{"x":true}],"none":{},"a.b":1,"a":{"b":2},"0":3}"#;
        assert_eq!(
            card(arguments, None),
            [
                "a.b=2",
                "big=12345678901234567890123",
                "id=\"41\"",
                "n=41",
                "none={}",
                "to.0=\"a\"",
                "to.1.x=true",
                "“0”=3",
                "“a.b”=1",
            ]
        );
        assert_eq!(card("{}", None), [""; 0]);
    }

    #[test]
    fn what_nobody_would_see_is_written_out() {
        assert_eq!(
            card("{\"to\":\"a\u{200b}b\u{202e}\",\"x\u{200b}\":1}", None),
            ["to=\"a[U+200B]b[U+202E]\"", "“x[U+200B]”=1"]
        );
    }

    #[test]
    fn what_is_different_from_the_last_one_is_told() {
        let before = r#"{"id":7,"to":"ada","copy":"bob"}"#;
        assert_eq!(
            card(r#"{"id":8,"to":"ada","all":true}"#, Some(before)),
            ["all=true (new)", "id=8 (was 7)", "to=\"ada\"", "copy=left out (was \"bob\")"]
        );
    }
}
