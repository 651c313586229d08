//! The schema that policies are held against: what is the same everywhere, and an action for each tool.

use std::fmt::Write;

use cedar_policy::{CedarSchemaError, Schema};

use crate::{InputType, PolicyError, input_type::Quoted, words::BUILT_IN};

/// What is the same in every installation, in Cedar's schema syntax.
pub(crate) const SCHEMA: &str = concat!(include_str!("portcullis.cedarschema"), include_str!("actions.cedarschema"));

const ENTITIES: &str = include_str!("portcullis.cedarschema");

/// A tool's action, and what its accepted definition says of its arguments. Without that it is a name that no request has.
pub(crate) type Action<'a> = (&'a str, Option<&'a InputType>);

/// With these actions besides those that are everywhere.
pub(crate) fn of<'a>(actions: impl IntoIterator<Item = Action<'a>>) -> Result<Schema, PolicyError> {
    parsed(&text(SCHEMA, actions))
}

/// With these actions alone: the others are names that no request has. For a policy about one tool.
pub(crate) fn of_these_alone<'a>(actions: impl IntoIterator<Item = Action<'a>>) -> Result<Schema, PolicyError> {
    let mut all = ENTITIES.to_owned();
    for (name, is_call) in BUILT_IN {
        let _ = write!(all, "\naction {name}{};", if is_call { " in [call]" } else { "" });
    }
    parsed(&text(&all, actions))
}

/// The text of it.
pub(crate) fn text<'a>(before: &str, actions: impl IntoIterator<Item = Action<'a>>) -> String {
    let mut all = before.to_owned();
    for (name, input) in actions {
        let _ = match input {
            None => writeln!(all, "\naction {} in [call];", Quoted(name)),
            Some(input) => writeln!(
                all,
                "\naction {} in [call] appliesTo {{\n  principal: [Agent],\n  resource: [Tool],\n  context: {{ authority: \
                 Authority, person?: Person, server: Server, exceptions: Set<String>, \
                 key_proven: Bool, input: {input} }},\n}};",
                Quoted(name)
            ),
        };
    }
    all
}

/// What is added is quoted, so it parses. But its names are a server's, and what a server says ends no node.
fn parsed(text: &str) -> Result<Schema, PolicyError> {
    let unreadable = |error: CedarSchemaError| {
        let why = model::shown(&error.to_string(), 300);
        let message = format!("no schema can be made of what was accepted, so nothing can be held against it: {why}");
        PolicyError::at("the accepted definitions", "", 0, message)
    };
    Schema::from_cedarschema_str(text).map(|(schema, _)| schema).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Should a name ever get through the quotes, that is an error of a load or of an acceptance, and not the end of a node.
    #[test]
    fn a_schema_that_can_not_be_read_is_an_error() {
        let error = parsed(&format!("{SCHEMA}\naction \"a\" in [call] appliesTo {{")).unwrap_err();
        assert!(error.to_string().starts_with("the accepted definitions:1:1: no schema can be made"), "{error}");
    }

    /// A server chooses the names of its arguments.
    ///
    /// Field: L6
    #[test]
    fn a_name_of_an_argument_can_be_anything_and_says_nothing_in_the_schema() {
        let names = [
            "",
            " ",
            "a b",
            "a\"b",
            "a\\",
            "\\\"",
            "in",
            "Set",
            "Long",
            "__cedar",
            "__entity",
            "__extn",
            "type",
            "é",
            "\u{202e}x",
            "\n\r\t\0",
            "'",
            "} }; action evil;",
            "// x",
            "?",
            "😀",
            "@id",
            "e\u{301}",
        ];
        for name in names {
            let schema = json!({"properties": {name: {"type": "string"}, "inner": {"type": "object", "properties": {name: {"type": "integer"}}}}});
            let input = InputType::of(&schema);
            let parsed = Schema::from_cedarschema_str(&text(SCHEMA, [("s.t", Some(&input))]));
            let (schema, warnings) = parsed.map_err(|error| format!("{name:?}: {error}")).unwrap();
            assert_eq!(schema.actions().count(), BUILT_IN.len() + 1, "{name:?}");
            assert_eq!(warnings.count(), 0, "{name:?}");
            let named = input.0.keys().any(|known| known == name);
            assert!(named, "{name:?}");
        }
    }
}
