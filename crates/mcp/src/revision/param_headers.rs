//! `Mcp-Param-*`: arguments of a call that its headers repeat, for whoever stands between us and the server.
//!
//! We decide on the body, and somebody behind us may route, count or refuse by the headers. So no such header leaves
//! that says other than the body. Which argument a header repeats is said by the tool's definition: the one that was
//! accepted, or where none has to be, the one that was listed last. A header of such a tool that differs from its argument,
//! or is missing although its argument is there, is refused, as the specification wants it. Where no definition is known, a
//! header is sent on only when an argument of the same name says the same. Whatever no argument stands for stays behind.
//! What leaves is written anew from the body.
//!
//! Spec: MCP 2026-07-28 basic/transports/streamable-http (custom headers from tool parameters), SEP-2243.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{
    header::{PARAM, decoded, encoded},
    not_spoken::NotSpoken,
};
use crate::{
    json::{self, Strict},
    jsonrpc::MethodCall,
};

/// What the definitions of a server's tools say of headers.
#[derive(Debug, Default)]
pub struct ParamHeaders(RwLock<HashMap<Box<str>, Arc<[Repeated]>>>);

/// A header, in small letters and without `mcp-param-`, and the argument that it repeats.
#[derive(Debug, PartialEq, Eq)]
struct Repeated {
    header: Box<str>,
    path: Vec<Box<str>>,
}

/// More tools than this are not remembered.
const MANY: usize = 4096;
const ANNOTATION: &str = "x-mcp-header";

impl ParamHeaders {
    /// A list that passes by holds this tool.
    pub fn learn(&self, tool: &str, schema: Option<Strict<'_>>) {
        let mut found = Vec::new();
        if let Some(schema) = schema.filter(|schema| schema.as_str().contains(ANNOTATION)) {
            annotations(schema, &mut Vec::new(), &mut found);
        }
        let known = self.of(tool);
        if known.as_deref().unwrap_or_default() == found {
            return;
        }
        let mut tools = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.is_some() || tools.len() < MANY {
            tools.insert(tool.into(), found.into());
        }
    }

    fn of(&self, tool: &str) -> Option<Arc<[Repeated]>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(tool).cloned()
    }
}

/// Along `properties` alone, as the specification has it.
fn annotations(schema: Strict<'_>, path: &mut Vec<Box<str>>, found: &mut Vec<Repeated>) {
    for (name, property) in schema.member("properties").and_then(Strict::members).unwrap_or_default() {
        path.push(name.into());
        if let Some(header) = property.member(ANNOTATION).and_then(Strict::string) {
            found.push(Repeated { header: header.to_ascii_lowercase().into(), path: path.clone() });
        }
        annotations(property, path, found);
        path.pop();
    }
}

/// More `Mcp-Param-*` headers than this are refused.
const MANY_HEADERS: usize = 64;

/// Which of two values an intermediary believed cannot be known.
pub(super) fn count(headers: &HeaderMap) -> Result<(), NotSpoken> {
    let names = || headers.keys().filter(|name| is_param(name));
    if let Some(name) = names().find(|name| headers.get_all(*name).iter().nth(1).is_some()) {
        return Err(NotSpoken::HeaderMismatch(format!("the header {name} occurs twice")));
    }
    match names().nth(MANY_HEADERS) {
        Some(_) => Err(NotSpoken::HeaderMismatch(format!("there are more than {MANY_HEADERS} headers Mcp-Param-*"))),
        None => Ok(()),
    }
}

fn is_param(name: &HeaderName) -> bool {
    name.as_str().starts_with(PARAM)
}

/// The headers that leave with a message: those that say what it says. Where the definition of the tool is known, they
/// are those that it names, and none of them may be missing.
pub(super) fn agreeing(
    headers: &HeaderMap,
    call: &MethodCall,
    known: &ParamHeaders,
) -> Result<Vec<(HeaderName, HeaderValue)>, NotSpoken> {
    let mut given = headers.iter().filter(|(name, _)| is_param(name)).peekable();
    if call.method() != "tools/call" {
        return Ok(Vec::new());
    }
    let definition = known.of(call.params().name.as_deref().unwrap_or_default());
    let repeated = definition.as_deref().unwrap_or_default();
    if given.peek().is_none() && repeated.is_empty() {
        return Ok(Vec::new());
    }
    let Some(arguments) = call.arguments().and_then(|text| json::check(text).ok()) else {
        return Ok(Vec::new());
    };
    if repeated.is_empty() && definition.is_none() {
        let of_that_name = given.filter_map(|(name, value)| {
            let says = said(value)?;
            let text = of_that_name(arguments, &name.as_str()[PARAM.len()..], &says)?;
            Some((name.clone(), encoded(&text)?))
        });
        return Ok(of_that_name.collect());
    }
    for (name, value) in given {
        let header = &name.as_str()[PARAM.len()..];
        let Some(repeated) = repeated.iter().find(|one| *one.header == *header) else { continue };
        let says = said(value);
        if !repeated.argument(arguments).is_some_and(|text| says.as_ref().is_some_and(|says| same(&text, says))) {
            return Err(NotSpoken::HeaderMismatch(format!("{name} does not match the argument it repeats")));
        }
    }
    let mut written = Vec::new();
    for one in repeated {
        let Some(text) = one.argument(arguments) else { continue };
        let header = format!("{PARAM}{}", one.header);
        // A name that is no header's can not be sent, and so not be missing.
        let Ok(name) = HeaderName::try_from(&header) else { continue };
        if !headers.contains_key(&name) {
            return Err(NotSpoken::HeaderMismatch(format!("{header} is missing, and its argument is there")));
        }
        written.extend(encoded(&text).map(|value| (name, value)));
    }
    Ok(written)
}

/// What a header says, decoded.
fn said(value: &HeaderValue) -> Option<String> {
    value.to_str().ok().and_then(|value| decoded(value.trim_matches([' ', '\t'])))
}

impl Repeated {
    /// The argument that is repeated, as a header says it.
    fn argument(&self, arguments: Strict<'_>) -> Option<String> {
        self.path.iter().try_fold(arguments, |value, name| value.member(name)).and_then(text_of)
    }
}

/// An argument of the name of the header, as people write one for the other, that says the same.
fn of_that_name(arguments: Strict<'_>, header: &str, says: &str) -> Option<String> {
    let fold = |name: &str| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    arguments.members()?.into_iter().find_map(|(name, value)| match value.is_object() {
        true => of_that_name(value, header, says),
        false if fold(&name) == fold(header) => text_of(value).filter(|text| same(text, says)),
        false => None,
    })
}

/// A text, a number or a truth value, as a header says it.
fn text_of(value: Strict<'_>) -> Option<String> {
    match value.string() {
        Some(text) => Some(text.into_owned()),
        None if value.is_number() || matches!(value.as_str(), "true" | "false") => Some(value.as_str().to_owned()),
        None => None,
    }
}

/// Whole numbers are compared as numbers: `42.0` is `42`.
fn same(argument: &str, header: &str) -> bool {
    let whole = |text: &str| {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
        text.parse::<f64>()
            .ok()
            .filter(|number| plain && number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0)
    };
    argument == header || matches!((whole(argument), whole(header)), (Some(a), Some(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jsonrpc::parse;

    const SCHEMA: &str = r#"{"type":"object","properties":{
        "region":{"type":"string","x-mcp-header":"Region"},
        "id":{"type":"integer","x-mcp-header":"Ticket-Number"},
        "deep":{"type":"object","properties":{"sure":{"type":"boolean","x-mcp-header":"Sure"}}},
        "list":{"type":"array","items":{"properties":{"no":{"x-mcp-header":"No"}}}},
        "x-mcp-header":{"type":"string"}}}"#;

    fn learned() -> ParamHeaders {
        let mirrors = ParamHeaders::default();
        mirrors.learn("t", json::check(SCHEMA.as_bytes()).ok());
        mirrors
    }

    /// What leaves, each as `name: value`; an error is its code.
    fn leaves(known: &ParamHeaders, arguments: &str, headers: &[(&str, &str)]) -> Result<Vec<String>, i32> {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"t","arguments":{arguments}}}}}"#
        );
        let map = headers.iter().map(|(name, value)| {
            (HeaderName::try_from(*name).unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        });
        match agreeing(&map.collect(), parse(body.as_bytes()).unwrap().call().unwrap(), known) {
            Ok(all) => Ok(all.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect()),
            Err(why) => Err(why.code()),
        }
    }

    fn said(lines: &[&str]) -> Result<Vec<String>, i32> {
        Ok(lines.iter().map(|line| (*line).to_owned()).collect())
    }

    /// Spec: MCP 2026-07-28 basic/transports/streamable-http (custom headers from tool parameters)
    ///
    /// Field: S7
    #[test]
    fn a_header_that_says_what_its_argument_says_leaves_in_the_words_of_the_body() {
        let mirrors = learned();
        let arguments = r#"{"region":"eu","id":42,"deep":{"sure":true}}"#;
        let leaving = ["mcp-param-region: eu", "mcp-param-ticket-number: 42", "mcp-param-sure: true"];
        let (region, number, sure) =
            (("Mcp-Param-Region", "eu"), ("Mcp-Param-Ticket-Number", "42"), ("mcp-param-sure", "true"));
        for headers in [
            [region, number, sure],
            [("mcp-param-region", "=?base64?ZXU=?="), number, sure],
            [sure, region, ("Mcp-Param-Ticket-Number", "42.0")],
        ] {
            assert_eq!(leaves(&mirrors, arguments, &headers), said(&leaving), "{headers:?}");
        }
        for missing in [&[][..], &[region], &[region, number]] {
            assert_eq!(leaves(&mirrors, arguments, missing), Err(-32020), "{missing:?}");
        }
        assert_eq!(leaves(&mirrors, r#"{"other":1}"#, &[]), said(&[]), "what is no argument needs no header");
        let encoded = leaves(&mirrors, r#"{"region":"\u00fc"}"#, &[("mcp-param-region", "=?base64?w7w=?=")]);
        assert_eq!(encoded, said(&["mcp-param-region: =?base64?w7w=?="]));
    }

    /// Field: S7
    #[test]
    fn a_header_that_says_other_than_its_argument_is_refused() {
        let mirrors = learned();
        for (arguments, header) in [
            (r#"{"region":"us"}"#, ("mcp-param-region", "eu")),
            (r#"{"region":"EU"}"#, ("mcp-param-region", "eu")),
            (r#"{"region":null}"#, ("mcp-param-region", "null")),
            (r#"{"region":{"a":"eu"}}"#, ("mcp-param-region", "eu")),
            (r#"{"other":"eu"}"#, ("mcp-param-region", "eu")),
            (r#"{"region":"eu"}"#, ("mcp-param-region", "=?base64?!?=")),
            (r#"{"region":"gr\u00f6\u00dfe"}"#, ("mcp-param-region", "gr\u{f6}\u{df}e")),
            (r#"{"id":42}"#, ("mcp-param-ticket-number", "43")),
            (r#"{"id":42}"#, ("mcp-param-ticket-number", "4.2e1")),
            (r#"{"deep":{"sure":false},"sure":true}"#, ("mcp-param-sure", "true")),
        ] {
            assert_eq!(leaves(&mirrors, arguments, &[header]), Err(-32020), "{arguments} {header:?}");
        }
    }

    /// Field: S7
    #[test]
    fn a_header_for_which_no_argument_stands_stays_behind() {
        let mirrors = learned();
        for header in ["mcp-param-other", "mcp-param-id", "mcp-param-no", "mcp-param-"] {
            let leaving = leaves(&mirrors, r#"{"list":[{"no":"1"}]}"#, &[(header, "1")]);
            assert_eq!(leaving, said(&[]), "{header}");
        }
        let unknown = ParamHeaders::default();
        for (arguments, header) in [
            (r#"{"region":"us"}"#, ("mcp-param-region", "eu")),
            (r#"{"zone":"eu"}"#, ("mcp-param-region", "eu")),
            (r#"{"region":["eu"]}"#, ("mcp-param-region", "eu")),
            ("{}", ("mcp-param-region", "eu")),
            ("[]", ("mcp-param-region", "eu")),
        ] {
            assert_eq!(leaves(&unknown, arguments, &[header]), said(&[]), "{arguments}");
        }
    }

    /// Field: S7
    #[test]
    fn where_no_definition_was_seen_an_argument_of_the_same_name_has_to_say_the_same() {
        let unknown = ParamHeaders::default();
        for (arguments, header) in [
            (r#"{"region":"eu"}"#, "region"),
            (r#"{"tenant_id":"eu"}"#, "tenant-id"),
            (r#"{"tenantId":"eu"}"#, "Tenant-ID"),
            (r#"{"where":{"region":"eu"}}"#, "region"),
        ] {
            let name = format!("mcp-param-{header}");
            let leaving = format!("{}: eu", name.to_ascii_lowercase());
            assert_eq!(leaves(&unknown, arguments, &[(&name, "eu")]), Ok(vec![leaving]), "{arguments}");
        }
    }

    #[test]
    fn a_definition_that_changes_is_learned_again_and_their_number_is_bounded() {
        let mirrors = learned();
        mirrors.learn("t", json::check(br#"{"properties":{"zone":{"x-mcp-header":"Region"}}}"#).ok());
        assert_eq!(
            leaves(&mirrors, r#"{"zone":"eu"}"#, &[("mcp-param-region", "eu")]),
            said(&["mcp-param-region: eu"])
        );
        mirrors.learn("t", None);
        assert_eq!(leaves(&mirrors, r#"{"zone":"eu"}"#, &[("mcp-param-region", "eu")]), said(&[]));
        for number in 0..2 * MANY {
            mirrors.learn(&format!("t{number}"), json::check(SCHEMA.as_bytes()).ok());
        }
        assert_eq!(mirrors.0.read().unwrap().len(), MANY);
    }
}
