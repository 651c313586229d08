//! Arguments of a call, checked by the schema that was accepted.
//!
//! A server that checks its own arguments loses nothing by this; one that does not is given nothing that its definition does
//! not say, and what a person approves or a policy reads has the shape that they were shown.
//!
//! A prompt says less of what it takes than a tool, names and which of them are required; their values are texts.
//!
//! Spec: MCP 2026-07-28 server/tools (`inputSchema`; JSON Schema 2020-12 where no dialect is named), server/prompts
//! (`arguments`).

use jsonschema::{Draft, PatternOptions, Validator};
use model::{server::Kind, shown};
use serde_json::{Map, Value, json};

use crate::{Definition, SchemaError, definition::SEVERAL, weight};

/// Checks the arguments of one tool or prompt.
#[derive(Debug)]
pub struct ArgumentSchema {
    validator: Validator,
    /// How deep what is checked may nest.
    deepest: usize,
}

/// What is wrong with an argument. It never repeats the argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where, as a JSON pointer; empty for the arguments as a whole.
    pub place: String,
    /// What.
    pub what: String,
}

/// So many faults are told; whoever has more has more to do than can be read.
const FAULTS: usize = 8;
/// What an expression may cost before it is given up: a text that takes longer does not match.
const BACKTRACKS: usize = 100_000;
/// How large an expression may become, in bytes.
const PATTERN: usize = 1 << 20;

impl ArgumentSchema {
    /// Of a definition; `None` when it takes no arguments, or is a tool that says nothing of them.
    ///
    /// # Errors
    /// It can not be checked by its schema.
    pub fn of(definition: &Definition) -> Result<Option<Self>, SchemaError> {
        let (kind, definition) = (definition.name().kind(), definition.value());
        if definition.get(SEVERAL).is_some() {
            return Err(SchemaError::Several);
        }
        let of_prompt;
        let schema = match kind {
            Kind::Tool(_) => definition.get("inputSchema"),
            Kind::Prompt(_) => {
                of_prompt = prompt_schema(&definition);
                Some(&of_prompt)
            }
            Kind::Resource(_) | Kind::Template(_) | Kind::Uri(_) | Kind::Words(_) | Kind::Unnamed(_) => None,
        };
        let Some(schema) = schema else { return Ok(None) };
        let deepest = weight::deepest(schema)?;
        let build = |draft: Option<Draft>| {
            let patterns =
                PatternOptions::fancy_regex().backtrack_limit(BACKTRACKS).size_limit(PATTERN).dfa_size_limit(PATTERN);
            let options = jsonschema::options().offline().should_validate_formats(false).with_pattern_options(patterns);
            draft.into_iter().fold(options, |options, draft| options.with_draft(draft)).build(schema)
        };
        let validator = match build(None) {
            // Servers that name no dialect write older ones, too.
            Err(newest) if schema.get("$schema").is_none() => {
                build(Some(Draft::Draft7)).or_else(|_| build(Some(Draft::Draft4))).map_err(|_| newest)
            }
            built => built,
        };
        let validator = validator.map_err(|error| {
            let said = format!("{} at `{}`", error.masked(), error.instance_path());
            SchemaError::NoSchema(shown(&said, 300))
        })?;
        Ok(Some(Self { validator, deepest }))
    }

    /// Checks the arguments of a call.
    ///
    /// # Errors
    /// What is wrong with them, as far as it can be read.
    pub fn check(&self, arguments: &Value) -> Result<(), Vec<Fault>> {
        if depth(arguments) > self.deepest {
            let what = format!("nested deeper than {}, which is as deep as this schema can be checked", self.deepest);
            return Err(vec![Fault { place: String::new(), what }]);
        }
        if self.validator.is_valid(arguments) {
            return Ok(());
        }
        let faults = self.validator.iter_errors(arguments).take(FAULTS).map(|error| Fault {
            place: shown(error.instance_path().as_str(), 200),
            what: shown(&error.masked_with("this").to_string(), 300),
        });
        Err(faults.collect())
    }
}

/// What a prompt takes, as a schema: the arguments that it names, those that it requires, and each of them a text.
fn prompt_schema(definition: &Value) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for argument in definition["arguments"].as_array().into_iter().flatten() {
        let Some(name) = argument["name"].as_str() else { continue };
        properties.insert(name.to_owned(), json!({"type": "string"}));
        if argument["required"] == true && !required.iter().any(|known| known == name) {
            required.push(name.to_owned());
        }
    }
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

/// How deep a value nests. Messages are no deeper than [`mcp::json::MAX_DEPTH`].
fn depth(value: &Value) -> usize {
    match value {
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        Value::Array(elements) => 1 + elements.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.place.as_str() {
            "" => f.write_str(&self.what),
            place => write!(f, "{place}: {}", self.what),
        }
    }
}

#[cfg(test)]
mod tests {
    use mcp::json::check;
    use serde_json::json;

    use super::*;

    fn schema(schema: Value) -> Result<Option<ArgumentSchema>, SchemaError> {
        let text = json!({"name": "t", "inputSchema": schema}).to_string();
        ArgumentSchema::of(&Definition::of_tool(check(text.as_bytes()).unwrap()).unwrap())
    }

    fn faults(of: &Value, arguments: Value) -> Vec<String> {
        let checked = schema(of.clone()).unwrap().unwrap().check(&arguments);
        checked.err().unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_the_schema_says_passes_and_nothing_else() {
        let of = json!({"type": "object", "properties": {"id": {"type": "integer", "maximum": 9}, "to": {"enum": ["a", "b"]}},
            "required": ["id"], "additionalProperties": false});
        assert_eq!(faults(&of, json!({"id": 9, "to": "a"})), Vec::<String>::new());
        assert_eq!(faults(&of, json!({"id": 10})), ["/id: this is greater than the maximum of 9"]);
        assert_eq!(faults(&of, json!({})), ["\"id\" is a required property"]);
        assert_eq!(faults(&of, json!({"id": 1, "x": 1})).len(), 1);
        assert_eq!(faults(&of, json!({"id": "1", "to": "c"})).len(), 2);
        assert_eq!(faults(&of, json!([])).len(), 1);
    }

    /// Field: T25
    #[test]
    fn a_prompt_takes_the_texts_that_it_names_and_nothing_else() {
        let text = r#"{"name":"p","arguments":[{"name":"id","required":true},{"name":"tone"},{"name":"id","required":true},7]}"#;
        let prompt = Definition::of_prompt(check(text.as_bytes()).unwrap()).unwrap();
        let check_all = |arguments: Value| {
            let checked = ArgumentSchema::of(&prompt).unwrap().unwrap().check(&arguments);
            checked.err().unwrap_or_default().iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(check_all(json!({"id": "7"})), Vec::<String>::new());
        assert_eq!(check_all(json!({"id": "7", "tone": ""})), Vec::<String>::new());
        assert_eq!(check_all(json!({"tone": "x"})), ["\"id\" is a required property"]);
        assert_eq!(check_all(json!({"id": 7})), ["/id: this is not of type \"string\""]);
        assert_eq!(check_all(json!({"id": "7", "user": "root"})).len(), 1);
        let none = Definition::of_prompt(check(br#"{"name":"p"}"#).unwrap()).unwrap();
        let none = ArgumentSchema::of(&none).unwrap().unwrap();
        assert!(none.check(&json!({})).is_ok() && none.check(&json!({"id": "7"})).is_err());
    }

    /// An argument may be a secret.
    #[test]
    fn a_fault_never_repeats_the_argument() {
        let of = json!({"properties": {"a": {"type": "integer"}, "b": {"pattern": "^x"}, "c": {"const": 1}, "d": {"maxLength": 3}}});
        for member in ["a", "b", "c", "d"] {
            let said = faults(&of, json!({member: "tops3cret"}));
            assert!(said.len() == 1 && !said[0].contains("s3cret"), "{said:?}");
        }
    }

    /// Field: T8
    #[test]
    fn the_dialects_that_servers_write_are_understood() {
        for (of, good, bad) in [
            (
                json!({"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"a": {"type": "integer"}}}),
                json!({"a": 1}),
                json!({"a": "1"}),
            ),
            (
                json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "prefixItems": [{"type": "string"}]}),
                json!(["x"]),
                json!([1]),
            ),
            (json!({"properties": {"a": {"minimum": 0, "exclusiveMinimum": true}}}), json!({"a": 1}), json!({"a": 0})),
            (
                json!({"properties": {"a": {"$ref": "#/definitions/x"}}, "definitions": {"x": {"type": "string"}}}),
                json!({"a": "s"}),
                json!({"a": 1}),
            ),
            (json!({"properties": {"a": {"type": ["string", "null"]}}}), json!({"a": null}), json!({"a": 1})),
            (
                json!({"properties": {"a": {"type": "string", "format": "unheard-of"}}}),
                json!({"a": "x"}),
                json!({"a": 1}),
            ),
            (json!({"properties": {"n": {"type": "integer"}}}), json!({"n": 1.0}), json!({"n": 1.5})),
        ] {
            assert_eq!(faults(&of, good), Vec::<String>::new(), "{of}");
            assert_eq!(faults(&of, bad).len(), 1, "{of}");
        }
    }

    #[test]
    fn what_can_not_be_checked_is_said() {
        for of in [
            json!({"type": "anything"}),
            json!({"required": "id"}),
            json!({"$schema": "https://evil.test/dialect"}),
            json!(7),
        ] {
            assert!(matches!(schema(of.clone()), Err(SchemaError::NoSchema(_))), "{of}");
        }
        assert!(matches!(schema(json!({"$ref": "https://evil.test/s"})), Err(SchemaError::Outside(_))));
        assert!(schema(json!({})).unwrap().is_some());
        assert!(
            ArgumentSchema::of(&Definition::of_tool(check(br#"{"name":"t"}"#).unwrap()).unwrap()).unwrap().is_none()
        );
    }

    /// On a stack of the size that those have who serve.
    ///
    /// Field: T10
    #[test]
    fn the_heaviest_schema_that_is_taken_takes_the_deepest_value() {
        let mut defs = Map::new();
        for at in 0..900 {
            defs.insert(format!("d{at}"), json!({"$ref": format!("#/$defs/d{}", at + 1)}));
        }
        defs.insert("d900".into(), json!({}));
        let chain = json!({"$ref": "#/$defs/d0", "$defs": defs});
        let tree = json!({"properties": {"c": {"allOf": [{"anyOf": [{"not": {"not": {"$ref": "#"}}}]}]}}});
        for of in [chain, tree] {
            let schema = schema(of).unwrap().unwrap();
            let value = (0..schema.deepest).fold(json!(1), |inner, _| json!({"c": inner}));
            let checked = std::thread::Builder::new().stack_size(2 << 20).spawn(move || schema.check(&value).is_ok());
            assert!(checked.unwrap().join().unwrap());
        }
    }

    /// Field: T10
    #[test]
    fn an_expression_that_goes_back_and_forth_for_ever_is_given_up() {
        let of = json!({"properties": {"a": {"pattern": "^(a+)+(?!b)$"}}});
        assert_eq!(faults(&of, json!({"a": format!("{}!", "a".repeat(64))})).len(), 1);
    }
}
