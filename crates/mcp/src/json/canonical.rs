//! One text for one value, so that two that mean the same have the same digest.
//!
//! Members in the order of their names, no white space, one spelling for each character. A number keeps the digits that it
//! came with: rounded to a double, two amounts could become one.
//!
//! Spec: RFC 8785 §3.2.
//! Differs: numbers (docs/divergences.md).

use super::Strict;

impl Strict<'_> {
    /// The canonical text.
    pub fn canonical(self) -> String {
        let mut out = String::with_capacity(self.as_str().len());
        write(self, &mut out);
        out
    }
}

/// As deep as the value, which was checked to nest no deeper than [`super::MAX_DEPTH`].
fn write(value: Strict<'_>, out: &mut String) {
    if let Some(mut members) = value.members() {
        members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
        separated(out, ('{', '}'), members.into_iter(), |out, (name, value)| {
            string(&name, out);
            out.push(':');
            write(value, out);
        });
    } else if let Some(elements) = value.elements() {
        separated(out, ('[', ']'), elements.into_iter(), |out, value| write(value, out));
    } else if let Some(text) = value.string() {
        string(&text, out);
    } else {
        out.push_str(value.as_str());
    }
}

fn separated<T>(
    out: &mut String,
    (open, close): (char, char),
    items: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    out.push(open);
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(close);
}

/// Spec: RFC 8785 §3.2.2.2
fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::json::check;

    fn canonical(text: &str) -> String {
        check(text.as_bytes()).unwrap().canonical()
    }

    /// Spec: RFC 8785 §3.2.3 (its example of sorting; a name with a control character is refused before)
    #[test]
    fn members_stand_in_the_order_of_their_utf_16_code_units() {
        let text = "{\"\u{20ac}\":1,\"\u{fb33}\":3,\"1\":4,\"\u{1f600}\":5,\"\u{80}\":6,\"\u{f6}\":7}";
        let sorted = "{\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}";
        assert_eq!(canonical(text), sorted);
    }

    #[test]
    fn what_means_the_same_has_one_text() {
        let one = r#" { "b" : [ 1 , {"y":null,"x":"\u00e9\/\u0041"} ], "a" : "line\nend" } "#;
        assert_eq!(canonical(one), r#"{"a":"line\nend","b":[1,{"x":"é/A","y":null}]}"#);
        assert_eq!(canonical(r#""\u0001\u001f\b\f""#), r#""\u0001\u001f\b\f""#);
    }

    #[test]
    fn what_means_something_else_has_another() {
        for (one, other) in [("1", "1.0"), ("9007199254740993", "9007199254740992"), ("\"1\"", "1"), ("[]", "{}")] {
            assert_ne!(canonical(one), canonical(other));
        }
        assert_ne!(canonical("[1,2]"), canonical("[2,1]"));
    }

    proptest! {
        #[test]
        fn the_canonical_text_is_its_own_and_means_the_same(value in any_value()) {
            let text = value.to_string();
            let once = canonical(&text);
            prop_assert_eq!(&canonical(&once), &once);
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&once).unwrap(), value);
        }
    }

    fn any_value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            "[^\u{0}-\u{1f}]{0,8}|\\PC*".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::btree_map("\\PC{0,6}", inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }
}
