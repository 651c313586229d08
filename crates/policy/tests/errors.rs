//! What an operator reads when a policy file is wrong: the file, the place, and what was expected.

#![allow(clippy::unwrap_used)]

use portcullis_policy::{Policies, PolicyError, PolicyFile};

fn refused(text: &str) -> PolicyError {
    let file = PolicyFile { name: "own.cedar".into(), text: text.into() };
    Policies::load(&[file]).expect_err("the file should be refused")
}

#[track_caller]
fn check(text: &str, line: usize, column: usize, expected: &str) {
    let error = refused(text);
    assert_eq!((error.file.as_str(), error.line, error.column), ("own.cedar", line, column), "{error}");
    assert!(error.message.contains(expected), "{error}");
}

#[test]
fn a_syntax_error_names_its_place_and_what_was_expected() {
    check("permit (principal, action, resource)\nwhen { true }", 2, 14, "expected");
    check("\n  permitt (principal, action, resource);", 2, 3, "permit");
}

#[test]
fn columns_count_characters_and_not_bytes() {
    check("/* */ // größte\npermit (principal, action, resource) when { \"ä\" ä };", 2, 49, "");
}

#[test]
fn a_misspelt_word_is_an_error_and_not_a_rule_that_never_matches() {
    let call = "(principal, action == Action::\"call\", resource)";
    check(&format!("forbid {call}\nwhen {{ resource.tier == Tier::\"hihg\" }};"), 2, 25, "Tier");
    check(&format!("forbid {call}\nwhen {{ resource.teir == Tier::\"high\" }};"), 2, 8, "teir");
    check("forbid (principal, action == Action::\"cal\", resource);", 1, 30, "call");
    check("forbid (principal == Robot::\"x\", action, resource);", 1, 22, "Robot");
}

#[test]
fn an_absent_person_must_be_asked_for_first() {
    check("permit (principal, action, resource)\nwhen { context.person == Person::\"ada\" };", 2, 8, "person");
}

#[test]
fn a_policy_that_can_never_match_is_refused() {
    let error =
        refused("forbid (principal, action, resource) when { principal.kind == Kind::\"delegated\" && false };");
    assert!(error.message.contains("impossible"), "{error}");
}

#[test]
fn a_policy_without_an_id_is_called_after_its_file_and_number() {
    let error =
        refused("permit (principal, action, resource);\nforbid (principal, action, resource) when { resource.x };");
    assert!(error.message.contains("`own.cedar#2`"), "{error}");
}

#[test]
fn an_id_can_not_be_taken_twice_not_even_a_built_in_one() {
    check("@id(\"held-tool\")\npermit (principal, action, resource);", 1, 1, "built-in");
    check(
        "@id(\"x\") permit (principal, action, resource);\n@id(\"x\") forbid (principal, action, resource);",
        2,
        1,
        "`x`",
    );
}

#[test]
fn a_template_is_refused() {
    check("permit (principal == ?principal, action, resource);", 1, 22, "template");
}

#[test]
fn the_error_of_the_second_file_names_the_second_file() {
    let file = |name: &str, text: &str| PolicyFile { name: name.into(), text: text.into() };
    let good = file("good.cedar", "permit (principal, action, resource);");
    let bad = file("bad.cedar", "permit (principal, action, resource) when { principal.age };");
    let error = Policies::load(&[good, bad]).unwrap_err();
    assert!(error.to_string().starts_with("bad.cedar:1:"), "{error}");
}
