//! What a policy asks of `context.input`, and what it says at the most and at the least, whatever the arguments are.
//!
//! A list and a token are asked for before there are arguments. So for each policy that looks at them there are two more,
//! in which what depends on them is replaced: by true where that lets the policy match, which is when it matches for some
//! arguments, and by false, which is when it matches for all. The rest of its conditions stays.
//!
//! Works on Cedar's JSON form of a policy, in which every expression is an object of one member.

use std::collections::BTreeSet;

use cedar_policy::{Effect, Policy, PolicyId};
use serde_json::{Value, json};

use crate::typed::Named;

/// A policy that looks at arguments, and what it says without them.
#[derive(Debug)]
pub(crate) struct ByInput {
    /// What it names of them.
    pub named: Named,
    /// As it is for whichever arguments allow the most.
    pub most: Policy,
    /// As it is for whichever arguments allow the least.
    pub least: Policy,
}

/// What `policy` asks of the arguments; `None` when nothing.
pub(crate) fn of(policy: &Policy, json: &Value) -> Option<ByInput> {
    let mut named = Some(BTreeSet::new());
    let mut looks = false;
    for condition in conditions(json) {
        looks |= look(&condition["body"], &mut named);
    }
    if !looks {
        return None;
    }
    let permits = policy.effect() == Effect::Permit;
    let (most, least) = (replaced(policy.id(), json, permits), replaced(policy.id(), json, !permits));
    // INVARIANT: a literal stands wherever an expression may stand. Where that does not hold, the policy is as it was, and
    // what is asked without arguments fails and is denied.
    let whole = || policy.clone();
    Some(ByInput {
        named: named.map_or(Named::All, Named::These),
        most: most.unwrap_or_else(whole),
        least: least.unwrap_or_else(whole),
    })
}

fn conditions(policy: &Value) -> impl Iterator<Item = &Value> {
    policy["conditions"].as_array().into_iter().flatten()
}

/// Does it look at the arguments? Adds what it names of them; `None`, when it looks at them in any other way than by a
/// name that is written out.
fn look(expression: &Value, named: &mut Option<BTreeSet<String>>) -> bool {
    if expression.get("Var").and_then(Value::as_str) == Some("context") {
        *named = None;
        return true;
    }
    for operator in [".", "has"] {
        let Some(access) = expression.get(operator) else { continue };
        let mut path = path(&access["attr"]).into_iter();
        if is_context(&access["left"]) {
            match path.next() {
                Some("input") => {}
                Some(_) => return false,
                None => continue,
            }
        } else if !is_input(&access["left"]) {
            continue;
        }
        match path.next() {
            Some(name) => named.iter_mut().for_each(|named| named.extend([name.to_owned()])),
            // By itself it says whether there are any; its value is all of them.
            None if operator == "." => *named = None,
            None => {}
        }
        return true;
    }
    match expression {
        Value::Object(members) => members.values().fold(false, |looks, inner| look(inner, named) | looks),
        Value::Array(elements) => elements.iter().fold(false, |looks, inner| look(inner, named) | looks),
        _ => false,
    }
}

/// `has` may have several names, one within the other.
fn path(attribute: &Value) -> Vec<&str> {
    match attribute {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_context(expression: &Value) -> bool {
    expression["Var"].as_str() == Some("context")
}

fn is_input(expression: &Value) -> bool {
    let access = &expression["."];
    is_context(&access["left"]) && access["attr"].as_str() == Some("input")
}

/// The policy, as it matches for some arguments (`for_some`), or for all.
fn replaced(id: &PolicyId, policy: &Value, for_some: bool) -> Option<Policy> {
    let mut policy = policy.clone();
    for condition in policy["conditions"].as_array_mut()? {
        let wanted = (condition["kind"].as_str()? == "when") == for_some;
        condition["body"] = bound(&condition["body"], wanted);
    }
    Policy::from_json(Some(id.clone()), policy).ok()
}

/// The expression with `wanted` in the place of the largest parts that depend on arguments and are true or false.
fn bound(expression: &Value, wanted: bool) -> Value {
    if !look(expression, &mut None) {
        return expression.clone();
    }
    for operator in ["&&", "||"] {
        if let Some(both) = expression.get(operator) {
            let (left, right) = (bound(&both["left"], wanted), bound(&both["right"], wanted));
            return json!({operator: {"left": left, "right": right}});
        }
    }
    if let Some(not) = expression.get("!") {
        return json!({"!": {"arg": bound(&not["arg"], !wanted)}});
    }
    if let Some(choice) = expression.get("if-then-else")
        && !look(&choice["if"], &mut None)
    {
        let (one, other) = (bound(&choice["then"], wanted), bound(&choice["else"], wanted));
        return json!({"if-then-else": {"if": choice["if"], "then": one, "else": other}});
    }
    json!({"Value": wanted})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(conditions: &str) -> Option<ByInput> {
        let policy: Policy = format!("permit (principal, action, resource) {conditions};").parse().unwrap();
        of(&policy, &policy.to_json().unwrap())
    }

    fn named(condition: &str) -> Option<Named> {
        read(&format!("when {{ {condition} }}")).map(|by| by.named)
    }

    fn these(names: &[&str]) -> Option<Named> {
        Some(Named::These(names.iter().map(|name| (*name).to_owned()).collect()))
    }

    #[test]
    fn what_is_named_is_found_however_it_is_written() {
        for (condition, expected) in [
            ("context.input.amount > 5", these(&["amount"])),
            ("context[\"input\"][\"a b\"] == 1", these(&["a b"])),
            ("context has input && context.input has amount && context.input.amount > 5", these(&["amount"])),
            ("context has input.amount && context.input.amount > 5", these(&["amount"])),
            ("context has input.a.b.c", these(&["a"])),
            ("context.input.a.b.c == 1 || context.input.d", these(&["a", "d"])),
            ("context has input", these(&[])),
            ("[context.input.a, 1].contains(context.input.b)", these(&["a", "b"])),
            ("if context.input.a then true else context.input.b", these(&["a", "b"])),
            ("context.input.a like \"x*\" && context.input.b is Person", these(&["a", "b"])),
        ] {
            assert_eq!(named(condition), expected, "{condition}");
        }
    }

    #[test]
    fn who_looks_at_them_as_a_whole_looks_at_all() {
        for condition in [
            "context.input == {a: 1}",
            "{x: context}.x.input.a == 1",
            "(if true then context else context).input.a == 1",
            "[context.input].contains({})",
            "context == {input: {}}",
        ] {
            assert_eq!(named(condition), Some(Named::All), "{condition}");
        }
    }

    #[test]
    fn who_does_not_look_at_them_is_left_alone() {
        for condition in [
            "true",
            "context.authority == Authority::\"input\"",
            "context has person && context.person == Person::\"input\"",
            "principal.input == 1",
            "resource.input.amount == 1",
            "{\"Var\": \"context\"} == {input: 1}",
        ] {
            assert_eq!(named(condition), None, "{condition}");
        }
    }

    #[track_caller]
    fn bounds(conditions: &str, most: &str, least: &str) {
        let by = read(conditions).unwrap();
        let text = |conditions: &str| -> Value {
            let policy: Policy = format!("permit (principal, action, resource) {conditions};").parse().unwrap();
            policy.to_json().unwrap()["conditions"].clone()
        };
        assert_eq!(by.most.to_json().unwrap()["conditions"], text(most));
        assert_eq!(by.least.to_json().unwrap()["conditions"], text(least));
    }

    #[test]
    fn only_what_depends_on_arguments_is_replaced() {
        bounds(
            "when { resource.held && context.input.a > 1 }",
            "when { resource.held && true }",
            "when { resource.held && false }",
        );
        bounds("unless { context.input.a > 1 }", "unless { false }", "unless { true }");
        bounds("when { !(context.input.a > 1) }", "when { !false }", "when { !true }");
        bounds(
            "when { if resource.held then context.input.a else true }",
            "when { if resource.held then true else true }",
            "when { if resource.held then false else true }",
        );
        bounds("when { if context.input.a then resource.held else false }", "when { true }", "when { false }");
        bounds(
            "when { resource.held } when { context.input.a }",
            "when { resource.held } when { true }",
            "when { resource.held } when { false }",
        );
    }
}
