//! Which exceptions a policy asks for, by name.
//!
//! A name is written out, so that it is known which names mean anything: what no policy names is no fact of any decision,
//! and `policy check` says so. Whatever else could be done with the set would be an exception of which nobody can say where
//! it counts.
//!
//! Works on Cedar's JSON form of a policy, in which every expression is an object of one member.

use std::collections::BTreeSet;

use model::ExceptionName;
use serde_json::Value;

/// The names for which the policy asks.
///
/// # Errors
/// It asks in another way, or for what can be no name; in words.
pub(crate) fn asked(json: &Value) -> Result<BTreeSet<ExceptionName>, String> {
    let mut names = BTreeSet::new();
    let conditions = json["conditions"].as_array().into_iter().flatten().map(|condition| &condition["body"]);
    for body in conditions.clone() {
        look(body, &mut names)?;
    }
    // Where the names matter, the context is not handed about: who could say what of it is asked?
    if !names.is_empty() && conditions.into_iter().any(hands_about) {
        return Err(ONE_BY_ONE.to_owned());
    }
    Ok(names)
}

const ONE_BY_ONE: &str = "exceptions are asked for one by one, each by its name: write \
    `context.exceptions.contains(\"change-freeze\")`";

fn look(expression: &Value, names: &mut BTreeSet<ExceptionName>) -> Result<(), String> {
    if let Some(sides) = expression.get("contains")
        && is_exceptions(&sides["left"])
    {
        let name = sides["right"]["Value"].as_str().ok_or(ONE_BY_ONE)?;
        names.insert(name.parse()?);
        return Ok(());
    }
    if is_exceptions(expression) {
        return Err(ONE_BY_ONE.to_owned());
    }
    match expression {
        Value::Object(members) => members.values().try_for_each(|inner| look(inner, names)),
        Value::Array(elements) => elements.iter().try_for_each(|inner| look(inner, names)),
        _ => Ok(()),
    }
}

/// Is it `context.exceptions`, or could it be?
fn is_exceptions(expression: &Value) -> bool {
    let member = &expression["."];
    member["attr"] == "exceptions" && !is_member(&member["left"])
}

/// A member of something is not the context: the arguments of a tool may have one of any name.
fn is_member(expression: &Value) -> bool {
    let member = &expression["."];
    member.is_object() && (is_context(&member["left"]) || is_member(&member["left"]))
}

fn is_context(expression: &Value) -> bool {
    expression["Var"] == "context"
}

/// Is the context itself a value anywhere, and not only what its members are taken of?
fn hands_about(expression: &Value) -> bool {
    match expression {
        Value::Object(members) => members.iter().any(|(name, inner)| match name.as_str() {
            "." | "has" if is_context(&inner["left"]) => false,
            _ => is_context(expression) || hands_about(inner),
        }),
        Value::Array(elements) => elements.iter().any(hands_about),
        _ => false,
    }
}
