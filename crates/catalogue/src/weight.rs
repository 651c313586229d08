//! How much work a schema can make of a value, before any value is checked by it.
//!
//! Whoever writes a schema decides what our processor does with it: two references that name each other never end, and ten
//! lines of `allOf` that each name the next one twice are a thousand checks. So a schema is weighed first: how many checks
//! it makes of one value at most, and how deep they nest, for values up to a depth. What is too heavy is no schema.
//!
//! Only references inside of the document are followed. Nothing is ever fetched.
//!
//! Spec: JSON Schema 2020-12 core §8.2 (references), §10 (applicators); MCP 2026-07-28 server/tools (`$ref` to the network
//! must not be followed).

use std::collections::{HashMap, HashSet};

use mcp::json::MAX_DEPTH;
use serde_json::Value;

use crate::SchemaError;

/// More checks of one value than this are too many.
const HEAVIEST: u64 = 100_000;
/// Checks that nest deeper than this do not fit on the stack.
const LONGEST: usize = 1_024;

/// How deep a value may nest that is checked by `schema`; at most [`MAX_DEPTH`], which no message exceeds.
///
/// # Errors
/// It refers to what is not in it, or it is too heavy for a value of any depth.
pub fn deepest(schema: &Value) -> Result<usize, SchemaError> {
    let mut scale = Scale { root: schema, known: HashMap::new(), open: HashSet::new() };
    let fits = |weight: Weight| weight.checks <= HEAVIEST && weight.nested <= LONGEST;
    let mut deepest = None;
    for depth in 0..=MAX_DEPTH {
        if !fits(scale.weigh(schema, depth, 0)?) {
            break;
        }
        deepest = Some(depth);
    }
    deepest.filter(|depth| *depth >= SHALLOW).ok_or(SchemaError::TooHeavy)
}

/// A schema that can not check a value this deep checks nothing.
const SHALLOW: usize = 4;

/// What a schema makes of one value.
#[derive(Clone, Copy, Debug, Default)]
struct Weight {
    checks: u64,
    nested: usize,
}

struct Scale<'s> {
    root: &'s Value,
    known: HashMap<(*const Value, usize), Weight>,
    /// What is being weighed: whoever comes by again never ends.
    open: HashSet<(*const Value, usize)>,
}

impl<'s> Scale<'s> {
    /// `nested`: how many are being weighed around this one.
    fn weigh(&mut self, schema: &'s Value, depth: usize, nested: usize) -> Result<Weight, SchemaError> {
        let Value::Object(members) = schema else { return Ok(Weight { checks: 1, nested: 1 }) };
        let key = (std::ptr::from_ref(schema), depth);
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        if nested > LONGEST {
            return Ok(Weight { checks: 1, nested: LONGEST + 1 });
        }
        if !self.open.insert(key) {
            return Err(SchemaError::Endless);
        }
        let mut sum = Weight { checks: 1, nested: 1 };
        let mut inner = Weight::default();
        let mut again = 1;
        for (keyword, value) in members {
            match keyword.as_str() {
                "$dynamicRef" | "$recursiveRef" => return Err(SchemaError::Dynamic),
                "$ref" => sum.add(self.weigh(self.referred(value)?, depth, nested + 1)?),
                "not" | "if" | "then" | "else" => sum.add(self.weigh(value, depth, nested + 1)?),
                "allOf" | "anyOf" | "oneOf" | "dependentSchemas" | "dependencies" => {
                    for one in each(value) {
                        sum.add(self.weigh(one, depth, nested + 1)?);
                    }
                }
                _ if depth == 0 => {}
                "properties" => {
                    let mut most = Weight::default();
                    for one in each(value) {
                        most.at_least(self.weigh(one, depth - 1, nested + 1)?);
                    }
                    inner.add(most);
                }
                "patternProperties"
                | "items"
                | "prefixItems"
                | "additionalItems"
                | "additionalProperties"
                | "propertyNames"
                | "contains"
                | "unevaluatedProperties"
                | "unevaluatedItems" => {
                    // What was not evaluated is found by evaluating once more.
                    again += u64::from(keyword.starts_with("unevaluated"));
                    let one_schema = value.is_object() && keyword != "patternProperties";
                    let parts = if one_schema { vec![value] } else { each(value).collect() };
                    for one in parts {
                        inner.add(self.weigh(one, depth - 1, nested + 1)?);
                    }
                }
                _ => {}
            }
        }
        self.open.remove(&key);
        let weight = Weight {
            checks: sum.checks.saturating_add(inner.checks).saturating_mul(again),
            nested: 1 + sum.nested.max(inner.nested),
        };
        self.known.insert(key, weight);
        Ok(weight)
    }

    /// What a reference names, in this document.
    fn referred(&self, reference: &Value) -> Result<&'s Value, SchemaError> {
        let text = reference.as_str().unwrap_or_default();
        let outside = || SchemaError::Outside(model::shown(text, 200));
        let own = self.root["$id"].as_str().filter(|id| !id.is_empty());
        let within = own.and_then(|id| text.strip_prefix(id)).unwrap_or(text);
        let fragment = if within.is_empty() { "" } else { within.strip_prefix('#').ok_or_else(outside)? };
        let fragment = decoded(fragment);
        if fragment.is_empty() || fragment.starts_with('/') {
            return self.root.pointer(&fragment).ok_or_else(outside);
        }
        anchored(self.root, &fragment).ok_or_else(outside)
    }
}

impl Weight {
    fn add(&mut self, other: Self) {
        self.checks = self.checks.saturating_add(other.checks);
        self.nested = self.nested.max(other.nested);
    }

    fn at_least(&mut self, other: Self) {
        self.checks = self.checks.max(other.checks);
        self.nested = self.nested.max(other.nested);
    }
}

/// The members of an object, or the elements of an array.
fn each(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Object(members) => Box::new(members.values()),
        Value::Array(elements) => Box::new(elements.iter()),
        _ => Box::new(std::iter::empty()),
    }
}

/// The schema with that `$anchor` (or, in older drafts, that `$id`). The document is no deeper than a message may be.
fn anchored<'s>(schema: &'s Value, name: &str) -> Option<&'s Value> {
    let is_it = schema["$anchor"].as_str() == Some(name)
        || schema["$id"].as_str().and_then(|id| id.strip_prefix('#')) == Some(name);
    if is_it { Some(schema) } else { each(schema).find_map(|inner| anchored(inner, name)) }
}

/// A fragment without its percent encoding.
fn decoded(fragment: &str) -> String {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = |byte: u8| char::from(byte).to_digit(16);
        let encoded = match (first, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| (high * 16 + low) as u8),
            _ => None,
        };
        bytes.push(encoded.unwrap_or(*first));
        rest = if encoded.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_people_write_fits() {
        for schema in [
            json!({}),
            json!(true),
            json!({"type": "object", "properties": {"id": {"type": "integer"}}, "additionalProperties": false}),
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "object"}}}),
            json!({"$defs": {"tree": {"properties": {"children": {"items": {"$ref": "#/$defs/tree"}}}}}, "$ref": "#/$defs/tree"}),
            json!({"$id": "https://x.test/s", "properties": {"a": {"$ref": "https://x.test/s#/properties/b"}, "b": {}}}),
            json!({"properties": {"a": {"$ref": "#b"}, "b": {"$anchor": "b"}}}),
            json!({"properties": {"a": {"$ref": "#/$defs/a%20b"}}, "$defs": {"a b": {}}}),
        ] {
            assert_eq!(deepest(&schema).ok(), Some(MAX_DEPTH), "{schema}");
        }
    }

    /// Any JSON value, as one schema says it: each value is checked by few, though its weight doubles with each level.
    #[test]
    fn what_nests_in_many_ways_is_checked_as_deep_as_it_can_be() {
        let any =
            json!({"anyOf": [{"type": "string"}, {"items": {"$ref": "#"}}, {"additionalProperties": {"$ref": "#"}}]});
        let deepest = deepest(&any).unwrap();
        assert!((10..MAX_DEPTH).contains(&deepest), "{deepest}");
    }

    /// Field: T10
    #[test]
    fn what_never_ends_is_no_schema() {
        for schema in [
            json!({"$ref": "#"}),
            json!({"allOf": [{"$ref": "#"}]}),
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"if": {"$ref": "#/$defs/a"}}}}),
        ] {
            assert!(matches!(deepest(&schema), Err(SchemaError::Endless)), "{schema}");
        }
    }

    #[test]
    fn what_doubles_at_each_step_is_too_heavy() {
        let mut defs = serde_json::Map::new();
        for at in 0..40 {
            let next = json!({"$ref": format!("#/$defs/d{}", at + 1)});
            defs.insert(format!("d{at}"), json!({"allOf": [next, next]}));
        }
        defs.insert("d40".into(), json!({}));
        assert!(matches!(deepest(&json!({"$ref": "#/$defs/d0", "$defs": defs})), Err(SchemaError::TooHeavy)));
        let nested = json!({"allOf": [{"properties": {"c": {"$ref": "#"}}}, {"properties": {"c": {"$ref": "#"}}}]});
        assert!(deepest(&nested).unwrap() < 20);
    }

    #[test]
    fn a_long_chain_does_not_fit_on_the_stack() {
        let mut defs = serde_json::Map::new();
        for at in 0..5_000 {
            defs.insert(format!("d{at}"), json!({"$ref": format!("#/$defs/d{}", at + 1)}));
        }
        defs.insert("d5000".into(), json!({}));
        assert!(matches!(deepest(&json!({"$ref": "#/$defs/d0", "$defs": defs})), Err(SchemaError::TooHeavy)));
    }

    /// Field: T9
    #[test]
    fn nothing_outside_of_the_document_is_referred_to() {
        for reference in ["https://evil.test/s.json", "other.json", "#/nowhere", "#nowhere", "file:///etc/passwd"] {
            let schema = json!({"properties": {"a": {"$ref": reference}}});
            assert!(matches!(deepest(&schema), Err(SchemaError::Outside(_))), "{reference}");
        }
        assert!(matches!(deepest(&json!({"properties": {"a": {"$dynamicRef": "#x"}}})), Err(SchemaError::Dynamic)));
    }
}
