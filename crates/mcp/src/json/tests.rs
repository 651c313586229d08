//! What is read, and what is refused rather than read in two ways.

use proptest::prelude::*;

use super::*;

#[test]
fn json_that_every_parser_reads_alike_is_accepted_byte_for_byte() {
    for text in [
        "{}",
        "[]",
        "null",
        "true",
        "-0",
        "0.1e-7",
        "1E+2",
        r#""\u00e9\ud83d\ude00\/""#,
        r#"{"a":{"a":[1,{"a":2}]}}"#,
        "{\"n\":12345678901234567890123456789.000}",
        "[ 1 , 2 ]",
    ] {
        assert_eq!(check(text.as_bytes()).map(Strict::as_str), Ok(text));
    }
    assert_eq!(check(b" \r\n\t{} ").map(Strict::as_str), Ok("{}"));
}

/// Spec: RFC 8259 §2
#[test]
fn text_that_is_almost_json_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "}",
        "[1,]",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{'a':1}",
        "01",
        "+1",
        ".5",
        "1.",
        "1e",
        "-",
        "NaN",
        "Infinity",
        "nul",
        "truee",
        "// x\n1",
        "/**/1",
        "\"a\nb\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12G4\"",
        "\"",
        "\"\\",
        "{\"a\" 1}",
        "{\"a\"}",
        "[1 2]",
        "\u{a0}1",
        "\u{c}1",
    ] {
        assert!(matches!(check(text.as_bytes()), Err(NotStrict::Syntax(_) | NotStrict::Trailing(_))), "{text:?}");
    }
}

/// Two readers of one body pick different twins (CVE-2026-27896).
///
/// Spec: RFC 7493 §2.3
#[test]
fn a_duplicate_member_at_any_depth_in_any_spelling_is_refused() {
    for text in [
        r#"{"name":1,"name":2}"#,
        r#"{"name":1,"\u006eame":2}"#,
        r#"{"\u006eame":1,"n\u0061me":2}"#,
        r#"[[{"a":{"b":1,"b":1}}]]"#,
        r#"{"\ud83d\ude00":1,"😀":2}"#,
        r#"{"/":1,"\/":2}"#,
        r#"{"":1,"":2}"#,
    ] {
        assert!(matches!(check(text.as_bytes()), Err(NotStrict::DuplicateMember(_))), "{text}");
    }
    assert!(check(br#"{"a":{"x":1},"b":{"x":1},"x":1}"#).is_ok(), "the same name in different objects is no duplicate");
}

#[test]
fn a_duplicate_among_very_many_members_is_found_without_comparing_each_with_each() {
    let many: String = (0..50_000).map(|n| format!("\"k{n}\":0,")).collect();
    assert!(check(format!("{{{many}\"z\":0}}").as_bytes()).is_ok());
    assert!(matches!(check(format!("{{{many}\"k7\":0}}").as_bytes()), Err(NotStrict::DuplicateMember(_))));
}

/// Spec: RFC 7493 §2.1
#[test]
fn another_encoding_a_mark_or_a_lone_surrogate_is_refused() {
    assert_eq!(check(b"\xef\xbb\xbf{}"), Err(NotStrict::ByteOrderMark));
    assert_eq!(check(b"\xff\xfe{\0}\0"), Err(NotStrict::Encoding));
    assert_eq!(check(b"\"\xc0\xaf\""), Err(NotStrict::Encoding));
    assert_eq!(check(b"\"\xed\xa0\x80\""), Err(NotStrict::Encoding), "a surrogate spelled in UTF-8");
    for text in [r#""\ud800""#, r#""\udc00""#, r#""\ud800\u0041""#, r#""\ud800x""#, r#""\udc00\ud800""#] {
        assert!(matches!(check(text.as_bytes()), Err(NotStrict::LoneSurrogate(_))), "{text}");
    }
}

/// Spec: RFC 8259 §2
#[test]
fn a_second_value_or_a_zero_byte_behind_the_first_is_refused() {
    for text in ["{}{}", "{} x", "1 2", "{}\0", "[]]"] {
        assert!(matches!(check(text.as_bytes()), Err(NotStrict::Trailing(_))), "{text:?}");
    }
}

/// Spec: RFC 8259 §9 (limits on depth)
#[test]
fn nesting_is_bounded() {
    let nest = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(check(nest(MAX_DEPTH).as_bytes()).is_ok());
    assert!(matches!(check(nest(MAX_DEPTH + 1).as_bytes()), Err(NotStrict::TooDeep(_))));
    assert!(matches!(check("[".repeat(1_000_000).as_bytes()), Err(NotStrict::TooDeep(_))));
}

/// Spec: RFC 7493 §2.2
#[test]
fn a_number_that_no_double_holds_is_refused_and_others_keep_their_digits() {
    assert!(matches!(check(b"1e400"), Err(NotStrict::NumberRange(_))));
    assert!(matches!(check("9".repeat(400).as_bytes()), Err(NotStrict::NumberRange(_))));
    assert_eq!(check(b"1.10").map(Strict::as_str), Ok("1.10"));
}

#[test]
fn what_passed_is_taken_apart_without_changing_a_byte() {
    let text = r#" { "a" : [ 1 , "x,]}" , {"b":2.50} ] , "\u0063\"" : "\ud83d\ude00\n" , "d":true } "#;
    let members = check(text.as_bytes()).unwrap().members().unwrap();
    let names: Vec<_> = members.iter().map(|(name, _)| name.as_ref()).collect();
    assert_eq!(names, ["a", "c\"", "d"]);
    let elements: Vec<_> = members[0].1.elements().unwrap().into_iter().map(Strict::as_str).collect();
    assert_eq!(elements, ["1", "\"x,]}\"", "{\"b\":2.50}"]);
    assert_eq!(members[1].1.string().unwrap(), "😀\n");
    assert_eq!(members[2].1.as_str(), "true");
    assert!(check(b"{}").unwrap().members().unwrap().is_empty());
    assert!(check(b"[ ]").unwrap().elements().unwrap().is_empty());
    assert!(check(b"[]").unwrap().members().is_none());
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Into::into),
        ".*".prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
            prop::collection::btree_map("\\PC*", inner, 0..20)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_serde_writes_is_strict_and_reads_back_the_same(value in json()) {
        let text = value.to_string();
        let strict = check(text.as_bytes()).unwrap();
        prop_assert_eq!(strict.as_str(), &text);
        if let Some(object) = value.as_object() {
            for (name, member) in strict.members().unwrap() {
                prop_assert_eq!(object[name.as_ref()].to_string(), member.as_str());
            }
        }
    }

    #[test]
    fn whatever_passes_serde_reads_too(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if check(&bytes).is_ok() {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
        }
    }

    #[test]
    fn whatever_passes_serde_reads_too_when_it_looks_like_json(text in r#"[\[\]{}:,"\\u0-9a-f.eE+\- tn]{0,40}"#) {
        if check(text.as_bytes()).is_ok() {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
        }
    }

    #[test]
    fn a_string_we_write_reads_back(text in ".*") {
        let mut out = Vec::new();
        push_string(&mut out, &text);
        prop_assert_eq!(check(&out).unwrap().string().unwrap(), text);
    }
}
