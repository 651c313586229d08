//! From the `inputSchema` of an accepted definition to what a policy can name of the arguments.
//!
//! Only what has one plain meaning gets a type; the rest is left out, so that no policy can rest on it. What is read by a
//! type is read strictly ([`crate::typed`]), so a schema that says more than we understand makes a call that is denied, and
//! never a value that is another one than the server sees.
//!
//! Spec: JSON Schema 2020-12 validation §6.1 (types), core §8.2 (references); draft 7 and 4 where they say the same.

use serde_json::{Map, Value};

use crate::input_type::{Attribute, InputType, Record, Type};

/// Nothing nests deeper.
const DEEPEST: usize = 8;
/// More members than this have no type.
const MOST: usize = 512;
/// A reference that leads over more others has none.
const HOPS: usize = 8;

impl InputType {
    /// Of an `inputSchema`. Never fails: what it does not understand can not be named.
    pub fn of(schema: &Value) -> Self {
        let mut reader = Reader { root: schema, room: MOST };
        let members = reader.followed(schema).and_then(|schema| reader.record(schema, 0));
        Self(members.unwrap_or_default())
    }
}

struct Reader<'s> {
    root: &'s Value,
    /// So many members may still get a type.
    room: usize,
}

/// A type, and whether null is allowed in its place.
struct Said {
    of: Type,
    is_nullable: bool,
}

impl<'s> Reader<'s> {
    /// What a schema says of one value.
    fn said(&mut self, schema: &'s Value, depth: usize) -> Option<Said> {
        let schema = self.followed(schema)?;
        if let Some(kinds) = schema.get("type") {
            let (kind, is_nullable) = one_kind(kinds)?;
            return Some(Said { of: self.of_kind(kind, schema, depth)?, is_nullable });
        }
        if let Some(values) = schema.get("enum") {
            return of_values(values.as_array()?);
        }
        if let Some(value) = schema.get("const") {
            return of_values(std::slice::from_ref(value));
        }
        let alternatives = schema.get("anyOf").or_else(|| schema.get("oneOf"))?.as_array()?;
        self.one_of(alternatives, depth + 1)
    }

    /// Alternatives that are all of one type, or null: so many write “maybe”, and a choice of words with what each means.
    fn one_of(&mut self, alternatives: &'s [Value], depth: usize) -> Option<Said> {
        if depth > DEEPEST || alternatives.len() > MOST {
            return None;
        }
        let is_null = |one: &&Value| one.get("type").and_then(Value::as_str) == Some("null");
        let mut is_nullable = alternatives.iter().any(|one| is_null(&one));
        let mut of = None;
        for one in alternatives.iter().filter(|one| !is_null(one)) {
            let said = self.said(one, depth)?;
            is_nullable |= said.is_nullable;
            if *of.get_or_insert_with(|| said.of.clone()) != said.of {
                return None;
            }
        }
        Some(Said { of: of?, is_nullable })
    }

    fn of_kind(&mut self, kind: &str, schema: &'s Map<String, Value>, depth: usize) -> Option<Type> {
        Some(match kind {
            "string" => Type::String,
            "integer" => Type::Long,
            "boolean" => Type::Bool,
            "number" => Type::Decimal,
            "array" => {
                let items = schema.get("items").filter(|_| !schema.contains_key("prefixItems") && depth < DEEPEST)?;
                let items = self.said(items, depth + 1)?;
                // Null is absent, and nothing can be absent from a place in an array.
                if items.is_nullable {
                    return None;
                }
                Type::Set(Box::new(items.of))
            }
            "object" => Type::Record(self.record(schema, depth).filter(|members| !members.is_empty())?),
            _ => return None,
        })
    }

    fn record(&mut self, schema: &'s Map<String, Value>, depth: usize) -> Option<Record> {
        let members = schema.get("properties")?.as_object().filter(|_| depth < DEEPEST)?;
        let required: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        // By name, so that what there is no room for does not depend on how the schema is written.
        let mut names: Vec<&String> = members.keys().collect();
        names.sort_unstable();
        let mut record = Record::new();
        for name in names {
            let Some(room) = self.room.checked_sub(1) else { break };
            if let Some(Said { of, is_nullable }) = self.said(&members[name], depth + 1) {
                self.room = room.min(self.room);
                let is_required = !is_nullable && required.contains(&name.as_str());
                record.insert(name.clone(), Attribute { of, is_required });
            }
        }
        Some(record)
    }

    /// What a reference leads to, when that is in the definitions of the same schema.
    fn followed(&self, mut schema: &'s Value) -> Option<&'s Map<String, Value>> {
        for _ in 0..HOPS {
            let members = schema.as_object()?;
            let Some(reference) = members.get("$ref") else { return Some(members) };
            let pointer = reference.as_str()?.strip_prefix('#')?;
            if !pointer.starts_with("/$defs/") && !pointer.starts_with("/definitions/") {
                return None;
            }
            schema = self.root.pointer(pointer)?;
        }
        None
    }
}

/// The one type that is named, and whether null is another.
fn one_kind(kinds: &Value) -> Option<(&str, bool)> {
    match kinds {
        Value::String(kind) => Some((kind, false)),
        Value::Array(kinds) => match kinds.iter().map(Value::as_str).collect::<Option<Vec<_>>>()?.as_slice() {
            [kind] => Some((kind, false)),
            [kind, "null"] | ["null", kind] => Some((kind, true)),
            _ => None,
        },
        _ => None,
    }
}

/// The type that all of these have.
fn of_values(values: &[Value]) -> Option<Said> {
    let is_nullable = values.iter().any(Value::is_null);
    let mut kinds = values.iter().filter(|value| !value.is_null()).map(|value| match value {
        Value::String(_) => Some(Type::String),
        Value::Bool(_) => Some(Type::Bool),
        Value::Number(number) if number.is_i64() => Some(Type::Long),
        _ => None,
    });
    let of = kinds.next()??;
    kinds.all(|kind| kind.as_ref() == Some(&of)).then_some(Said { of, is_nullable })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(schema: Value, expected: &str) {
        assert_eq!(InputType::of(&schema).to_string(), expected, "{schema}");
    }

    fn property(of: Value, expected: &str) {
        check(json!({"type": "object", "properties": {"a": of}}), expected);
    }

    #[test]
    fn each_plain_shape_has_a_type() {
        for (of, expected) in [
            (json!({"type": "string", "format": "date"}), "String"),
            (json!({"type": "integer", "minimum": 0}), "Long"),
            (json!({"type": "boolean"}), "Bool"),
            (json!({"type": "number"}), "decimal"),
            (json!({"enum": ["a", "b"]}), "String"),
            (json!({"const": 7}), "Long"),
            (json!({"type": ["string", "null"]}), "String"),
            (json!({"anyOf": [{"type": "integer"}, {"type": "null"}], "default": null}), "Long"),
            (json!({"oneOf": [{"const": "low", "description": "x"}, {"const": "high"}]}), "String"),
            (json!({"anyOf": [{"type": "null"}, {"enum": ["a"]}, {"type": "string", "format": "uri"}]}), "String"),
            (json!({"type": "array", "items": {"type": "string"}}), "Set<String>"),
            (
                json!({"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]}),
                "{ \"x\": decimal }",
            ),
        ] {
            property(of, &format!("{{ \"a\"?: {expected} }}"));
        }
    }

    #[test]
    fn what_is_required_is_always_there_unless_it_may_be_null() {
        let of = |a: Value| json!({"type": "object", "properties": {"a": a}, "required": ["a", "b"]});
        check(of(json!({"type": "integer"})), "{ \"a\": Long }");
        check(of(json!({"type": ["null", "integer"]})), "{ \"a\"?: Long }");
        check(of(json!({"enum": ["x", null]})), "{ \"a\"?: String }");
    }

    #[test]
    fn what_has_no_plain_meaning_can_not_be_named() {
        for of in [
            json!(true),
            json!({}),
            json!({"type": ["string", "integer"]}),
            json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
            json!({"oneOf": [{"type": "null"}, {"type": "null"}]}),
            json!({"enum": ["a", 1]}),
            json!({"enum": [null]}),
            json!({"enum": []}),
            json!({"const": 1.5}),
            json!({"type": "array"}),
            json!({"type": "array", "items": [{"type": "string"}]}),
            json!({"type": "array", "items": {"type": ["string", "null"]}}),
            json!({"type": "array", "items": {"type": "string"}, "prefixItems": [{"type": "integer"}]}),
            json!({"type": "object"}),
            json!({"type": "object", "additionalProperties": {"type": "string"}}),
            json!({"$ref": "https://evil.test/s"}),
            json!({"$ref": "#/properties/b"}),
            json!({"$ref": "#/$defs/nowhere"}),
            json!({"type": "null"}),
        ] {
            property(of, "{ }");
        }
        for whole in [json!({}), json!(7), json!({"anyOf": []}), json!({"properties": 7})] {
            check(whole, "{ }");
        }
    }

    #[test]
    fn references_within_the_schema_are_followed_and_end() {
        let defs = json!({"money": {"type": "integer"}, "alias": {"$ref": "#/$defs/money"}, "loop": {"$ref": "#/$defs/loop"},
            "tree": {"type": "object", "properties": {"n": {"type": "integer"}, "child": {"$ref": "#/$defs/tree"}}}});
        let of = |name: &str| json!({"type": "object", "$defs": defs, "properties": {"a": {"$ref": format!("#/$defs/{name}")}}});
        check(of("alias"), "{ \"a\"?: Long }");
        check(of("loop"), "{ }");
        let tree = InputType::of(&of("tree")).to_string();
        assert_eq!(tree.matches("\"n\"?: Long").count(), DEEPEST - 1, "{tree}");
        check(
            json!({"$ref": "#/definitions/x", "definitions": {"x": {"properties": {"a": {"type": "boolean"}}}}}),
            "{ \"a\"?: Bool }",
        );
    }

    /// Field: L2
    #[test]
    fn a_schema_of_any_size_makes_a_type_of_bounded_size() {
        let wide: Map<String, Value> = (0..5_000).map(|n| (format!("p{n}"), json!({"type": "string"}))).collect();
        let doubling = |n: u32| json!({"type": "object", "properties": {"l": {"$ref": format!("#/$defs/d{}", n + 1)}, "r": {"$ref": format!("#/$defs/d{}", n + 1)}}});
        let mut defs: Map<String, Value> = (0..40).map(|n| (format!("d{n}"), doubling(n))).collect();
        defs.insert("d40".into(), json!({"type": "string"}));
        for schema in [
            json!({"properties": wide}),
            json!({"properties": {"a": {"$ref": "#/$defs/d0"}, "b": {"type": "string"}}, "$defs": defs}),
        ] {
            let text = InputType::of(&schema).to_string();
            assert!(text.matches(": String").count() <= MOST, "{}", text.len());
        }
    }
}
