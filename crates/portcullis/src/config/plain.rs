//! What a parser says, in words for people: what was found and what is expected, never a value and never a type of ours.
//!
//! The value that is wrong may be a secret that stands in the wrong place.

/// The message without values, positions and the parser's words.
pub fn plain(said: &str) -> String {
    let said = said.split(" at line ").next().unwrap_or(said).trim();
    let said = said.split_once(": while parsing").map_or(said, |(said, _)| said);
    if let Some(rest) = said.strip_prefix("invalid type: ").or_else(|| said.strip_prefix("invalid value: ")) {
        let (found, expected) = rest.rsplit_once(", expected ").unwrap_or((rest, ""));
        return format!("{} stands where {} is expected", noun(found), expectation(expected));
    }
    if let Some(field) = said.strip_prefix("missing field ") {
        return format!("the key {field} is missing");
    }
    if let Some(rest) = said.strip_prefix("unknown field ").or_else(|| said.strip_prefix("unknown key ")) {
        return format!(
            "there is no key {}",
            rest.replace(", expected one of", "; there are").replace(", expected", "; there is")
        );
    }
    if let Some(rest) = said.strip_prefix("unknown variant ") {
        let known = rest.split_once(", expected ").map_or("", |(_, known)| known);
        return format!("a word stands here that means nothing; write {}", known.trim_start_matches("one of "));
    }
    if let Some(rest) = said.strip_prefix("duplicate field ").or_else(|| said.strip_prefix("duplicate mapping key: ")) {
        return format!("the key {rest} is written twice");
    }
    for (theirs, ours) in [
        ("expected mapping start", "something else stands where a table (`key: value` lines) is expected"),
        ("expected sequence start", "something else stands where a list (`- item` lines, or `[a, b]`) is expected"),
        ("expected string scalar", "a table or list stands where text is expected"),
        ("expected scalar", "a table or list stands where a single value is expected"),
        ("invalid boolean", "something else stands where `true` or `false` is expected"),
        ("invalid number", "something else stands where a number is expected"),
        ("invalid integer", "something else stands where a whole number is expected"),
        ("invalid socket address syntax", "the address is not written like 127.0.0.1:8420"),
        ("unexpected end of file", "the file ends in the middle of something"),
    ] {
        if said.contains(theirs) {
            return ours.to_owned();
        }
    }
    said.to_owned()
}

fn noun(found: &str) -> &'static str {
    match found.split([' ', '`']).next().unwrap_or_default() {
        "string" | "character" => "text",
        "integer" | "floating" => "a number",
        "boolean" => "`true` or `false`",
        "map" => "a table",
        "sequence" => "a list",
        "null" | "unit" | "Option" => "nothing",
        _ => "something else",
    }
}

fn expectation(expected: &str) -> String {
    match expected {
        "a string" | "a borrowed string" | "string" => "text".into(),
        "a map" | "map" => "a table (`key: value` lines)".into(),
        "a sequence" | "sequence" => "a list".into(),
        "a boolean" => "`true` or `false`".into(),
        "usize" | "u8" | "u16" | "u32" | "u64" | "i64" | "i32" => "a whole number".into(),
        "f64" => "a number".into(),
        said if said.starts_with("struct ") => "a table (`key: value` lines)".into(),
        said if said.starts_with("socket address") => "an address like 127.0.0.1:8420".into(),
        "" => "something else".into(),
        said => said.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Field: O5
    #[test]
    fn no_word_of_the_parser_and_no_value_remains() {
        for (said, ours) in [
            (
                "invalid type: string \"hunter2\", expected a map at line 1 column 2",
                "text stands where a table (`key: value` lines) is expected",
            ),
            ("invalid type: integer `123456789012`, expected a string", "a number stands where text is expected"),
            ("invalid type: map, expected a string", "a table stands where text is expected"),
            ("invalid value: string \"x, expected y\", expected usize", "text stands where a whole number is expected"),
            ("missing field `url`", "the key `url` is missing"),
            ("unknown field `uri`, expected one of `url`, `title`", "there is no key `uri`; there are `url`, `title`"),
            (
                "invalid type: string \"a\", expected struct TlsConfig",
                "text stands where a table (`key: value` lines) is expected",
            ),
        ] {
            assert_eq!(plain(said), ours);
        }
    }
}
