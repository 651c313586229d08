//! Rules that give a resource its tier, by its URI, and the one way in which a URI is read.
//!
//! We decide on a URI and the server opens it. Where a server could open another resource than the rule names
//! (dot segments, encoded letters, another case of the host, a fragment that is ignored), no rule matches, and what
//! no rule names is held.
//!
//! Spec: RFC 3986 §6.2 (normalisation); docs/decisions/0010-resources-and-prompts.md.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use unicode_normalization::is_nfkc;

use crate::Tier;

pub use crate::resource_rule::{ResourceRule, ResourceWords};

/// Ordered, named rules from URIs to tiers: the first match wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceRules(Vec<(String, ResourceRule)>);

impl ResourceRules {
    /// The rule for `uri`; `None` when no rule names it, or when it can be read in two ways: then it is held.
    pub fn find(&self, uri: &str) -> Option<(&str, Tier)> {
        let uri = canonical(uri, Stars::Refused)?;
        let pattern = |rule: &ResourceRule| canonical(&rule.uri, Stars::Kept);
        let found = self.named().find(|(_, rule)| pattern(rule).is_some_and(|pattern| matches(&pattern, &uri)));
        // Some servers and file systems fold case, and some do not: both must mean one rule.
        let folded = fold(&uri);
        let folding =
            self.named().find(|(_, rule)| pattern(rule).is_some_and(|pattern| matches(&fold(&pattern), &folded)));
        let (name, rule) = found.filter(|_| found.map(|(name, _)| name) == folding.map(|(name, _)| name))?;
        Some((name, rule.tier))
    }

    /// When the words of the resource at `uri` need a person; `None` when no rule names it, so that nobody sees them.
    pub fn words(&self, uri: &str) -> Option<ResourceWords> {
        let (name, _) = self.find(uri)?;
        self.named().find(|(known, _)| *known == name).map(|(_, rule)| rule.words)
    }

    /// The rule for everything that a URI template can expand to; `None` when that is not one rule.
    ///
    /// Spec: RFC 6570 §1.2
    pub fn find_template(&self, template: &str) -> Option<(&str, Tier)> {
        let Some((literal, rest)) = template.split_once('{') else { return self.find(template) };
        // What expands to a query or a fragment is covered by no `*`.
        if rest.contains(['?', '&', '#']) {
            return None;
        }
        // A beginning of a URI: completed, so that it is read as one.
        let literal = canonical(&format!("{literal}x"), Stars::Refused)?;
        let literal = &literal[..literal.len() - 1];
        let found = self.covering(literal, str::to_owned);
        let folding = self.covering(&fold(literal), fold);
        found.filter(|_| found == folding)
    }

    /// The first rule that could match anything that begins with `literal`, if it matches all of it.
    fn covering(&self, literal: &str, read: impl Fn(&str) -> String) -> Option<(&str, Tier)> {
        let pattern = |rule: &ResourceRule| canonical(&rule.uri, Stars::Kept).map(|pattern| read(&pattern));
        let (name, rule) = self.named().find(|(_, rule)| {
            pattern(rule).is_some_and(|pattern| {
                let prefix = pattern.split('*').next().unwrap_or_default();
                prefix.starts_with(literal) || literal.starts_with(prefix)
            })
        })?;
        let pattern = pattern(rule)?;
        let prefix = pattern.strip_suffix('*').filter(|prefix| !prefix.contains('*'))?;
        literal.starts_with(prefix).then_some((name, rule.tier))
    }

    /// The rule of that name.
    pub fn tier(&self, name: &str) -> Option<Tier> {
        self.named().find(|(known, _)| *known == name).map(|(_, rule)| rule.tier)
    }

    /// The rules in order.
    pub fn named(&self) -> impl Iterator<Item = (&str, &ResourceRule)> {
        self.0.iter().map(|(name, rule)| (name.as_str(), rule))
    }
}

/// Is `name` usable as a rule's name: 1 to 64 of `a-z 0-9 _ -`?
pub fn is_rule_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

fn matches(pattern: &str, uri: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| uri.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    let is_plain = |run: &str| !run.contains(['?', '#']);
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.strip_suffix(part).is_some_and(is_plain);
        }
        match rest.find(part) {
            Some(at) if is_plain(&rest[..at]) => rest = &rest[at + part.len()..],
            _ => return false,
        }
    }
    true
}

/// What `*` is where a URI is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stars {
    /// A part of a pattern.
    Kept,
    /// A character of a URI, which a pattern could not tell from its own.
    Refused,
}

/// The one reading of a URI, in which it is compared; `None` when there could be another, so that no rule names it.
pub fn reading(uri: &str) -> Option<String> {
    canonical(uri, Stars::Refused)
}

/// The one reading of a URI: `None` when there could be another.
fn canonical(uri: &str, stars: Stars) -> Option<String> {
    let (scheme, rest) = uri.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+.-".contains(&b));
    if !is_scheme || uri.len() > LONGEST || rest.contains('#') {
        return None;
    }
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len())),
        None => ("", rest),
    };
    let default_port = match scheme {
        "http" | "ws" => ":80",
        "https" | "wss" => ":443",
        "ftp" => ":21",
        _ => ":",
    };
    if scheme == "file" && !(rest.starts_with("//") && matches!(authority, "" | "*")) {
        // `file:/x`, `file:///x` and `file://localhost/x` are one file (RFC 8089): only one of them is written here.
        return None;
    }
    // A star in a host would reach over its end, to another host.
    if stars == Stars::Kept && authority.contains('*') && (authority != "*" || !path.is_empty()) {
        return None;
    }
    let is_host = default_port != ":";
    if is_host && (!authority.is_ascii() || is_odd_number(authority)) {
        return None;
    }
    if authority.contains(['@', '%']) || authority.ends_with(['.', ':']) || authority.ends_with(default_port) {
        return None;
    }
    let (segments, query) = path.split_at(path.find('?').unwrap_or(path.len()));
    let decoded = decode(segments, stars)?;
    let inner = decoded.strip_prefix('/').unwrap_or(&decoded);
    if !inner.is_empty() && inner.split('/').enumerate().any(|(at, part)| is_odd_segment(part, scheme == "file", at)) {
        return None;
    }
    let slashes = if rest.starts_with("//") { "//" } else { "" };
    let authority = decode(&if is_host { authority.to_lowercase() } else { authority.to_owned() }, stars)?;
    Some(format!("{scheme}:{slashes}{authority}{decoded}{}", decode(query, stars)?))
}

/// A segment that some server strips of a part, or opens under another name.
///
/// Servlet containers cut parameters off (`..;x` climbs), Windows cuts blanks and dots at an end, reads `name:stream`
/// as `name`, and knows a file by its short name (`SECRET~1`).
fn is_odd_segment(part: &str, of_file: bool, at: usize) -> bool {
    let is_drive = at == 0 && part.len() == 2 && part.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_short = || part.as_bytes().windows(2).any(|pair| pair[0] == b'~' && pair[1].is_ascii_digit());
    part.is_empty()
        || part.ends_with(['.', ' '])
        || part.contains(';')
        || of_file && (is_short() || part.contains(':') && !(is_drive && part.ends_with(':')))
}

/// What is left when differences of case are ignored, in full: `ß` and `ss` are one.
fn fold(text: &str) -> String {
    text.to_uppercase().to_lowercase()
}

/// An IPv4 address in another spelling than four decimal numbers: `127.1`, `0x7f.0.0.1`, `2130706433`.
fn is_odd_number(authority: &str) -> bool {
    let host = authority.split(':').next().unwrap_or_default();
    let number = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_digit())
            && part.bytes().all(|b| b.is_ascii_hexdigit() || b == b'x' || b == b'X')
    };
    host.rsplit('.').next().is_some_and(number) && host.parse::<std::net::Ipv4Addr>().is_err()
}

/// Blanks and letters beyond ASCII may be encoded. Whatever else is, could stand unencoded as well, and then another
/// rule would match.
fn decode(text: &str, stars: Stars) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let byte = match byte {
            b'%' => {
                let digit = |b: Option<u8>| char::from(b?).to_digit(16);
                let code = (digit(rest.next())? * 16 + digit(rest.next())?) as u8;
                if code != b' ' && code.is_ascii() {
                    return None;
                }
                code
            }
            b'*' if stars == Stars::Refused => return None,
            b'\\' | b' ' | 0..0x20 | 0x7f => return None,
            byte => byte,
        };
        bytes.push(byte);
    }
    let text = String::from_utf8(bytes).ok()?;
    // Some file systems compose letters, and some look through compatibility forms.
    (text.is_ascii() || text.chars().all(|c| c.is_ascii() || c.is_alphanumeric()) && is_nfkc(&text)).then_some(text)
}

/// Longest URI that a rule can match, in bytes.
pub const LONGEST: usize = 2048;

/// A YAML mapping in its written order.
impl<'de> Deserialize<'de> for ResourceRules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rules;
        impl<'de> serde::de::Visitor<'de> for Rules {
            type Value = ResourceRules;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping from names of rules to `{uri, tier}`")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<ResourceRules, A::Error> {
                let wrong = <A::Error as serde::de::Error>::custom::<&str>;
                let mut rules: Vec<(String, ResourceRule)> = Vec::new();
                while let Some((name, rule)) = map.next_entry::<String, ResourceRule>()? {
                    if !is_rule_name(&name) {
                        return Err(wrong("a rule's name is 1 to 64 of the characters a-z 0-9 _ -"));
                    }
                    if canonical(&rule.uri, Stars::Kept).is_none() {
                        return Err(wrong(
                            "this pattern can match no URI: write a scheme in small letters, no `%` but %20 and letters \
                             beyond ASCII, no `.` or empty segments, no `#`, no user and no default port",
                        ));
                    }
                    if rules.iter().any(|(known, _)| *known == name) {
                        return Err(wrong("two rules have the same name"));
                    }
                    rules.push((name, rule));
                }
                Ok(ResourceRules(rules))
            }
        }
        deserializer.deserialize_map(Rules)
    }
}

impl Serialize for ResourceRules {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.named())
    }
}

impl schemars::JsonSchema for ResourceRules {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ResourceRules".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let rule = generator.subschema_for::<ResourceRule>();
        schemars::json_schema!({"type": "object", "additionalProperties": rule})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(yaml: &str) -> ResourceRules {
        serde_json::from_str(yaml).unwrap()
    }

    fn docs() -> ResourceRules {
        rules(
            r#"{"secret":{"uri":"file:///docs/secret*","tier":"high"},"docs":{"uri":"file:///docs/*","tier":"low"},
                "web":{"uri":"https://wiki.test/*","tier":"medium"},"note":{"uri":"note:*","tier":"low"},
                "ask":{"uri":"https://api.test/q?id=*","tier":"low"},"read":{"uri":"docs://README","tier":"high"}}"#,
        )
    }

    /// Field: S4, G15
    #[test]
    fn the_first_rule_that_matches_wins_and_what_no_rule_names_is_held() {
        let docs = docs();
        let found = |uri: &str| docs.find(uri).map(|(name, _)| name);
        assert_eq!(found("file:///docs/a.md"), Some("docs"));
        assert_eq!(found("file:///docs/a/b/größe 1.md"), None, "a blank is encoded");
        assert_eq!(found("file:///docs/a/b/größe%201.md"), Some("docs"));
        assert_eq!(found("file:///docs/a/b/gr%C3%B6%C3%9Fe.md"), Some("docs"));
        assert_eq!(found("file:///docs/secret/a"), Some("secret"));
        assert_eq!(found("https://wiki.test/a"), Some("web"));
        assert_eq!(found("note:1"), Some("note"));
        assert_eq!(found("https://api.test/q?id=7"), Some("ask"));
        for held in ["file:///etc/shadow", "file:///doc", "file:///docs", "https://api.test/q", "memo://x", "", "docs"]
        {
            assert_eq!(found(held), None, "{held}");
        }
    }

    /// Field: S4
    #[test]
    fn a_uri_that_a_server_could_read_differently_is_held() {
        let docs = docs();
        for held in [
            "file:///docs/../etc/shadow",
            "file:///docs/./a",
            "file:///docs/%2e%2e/etc/shadow",
            "file:///docs/%2E%2E%2Fetc",
            "file:///docs/..%2fetc",
            "file:///docs/a%00.md",
            "file:///docs/%73ecret",
            "file:///docs/a%252e",
            "file:///docs/a%2",
            "file:///docs/a%zz",
            "file:///docs//etc",
            "file:///docs/a/",
            "file:////docs/a",
            "file:///docs/a\\..\\b",
            "file:///docs/a#b",
            "file:///docs/a?b",
            "file:///docs/\u{202e}a",
            "file:///docs/a\tb",
            "file:///docs/*",
            "FILE:///docs/a",
            "File:///docs/a",
            "file://user@/docs/a",
            "https://user:p@wiki.test/a",
            "https://wiki.test./a",
            "https://wiki.test:443/a",
            "https://wiki.test:/a",
            "https://wiki%2etest/a",
            "https://api.test/q?id=7?x",
            " file:///docs/a",
            "file:/docs/a",
            "file://localhost/docs/a",
            "file://LOCALHOST/docs/a",
            "docs://readme",
            "https://127.1/a",
            "https://0x7f.0.0.1/a",
            "https://2130706433/a",
            "https://wıki.test/a",
            "https://wiki.test/pub/..;/admin",
            "https://wiki.test/pub/a;x=1",
            "file:///docs/..%20/etc",
            "file:///docs/.%20/etc",
            "file:///docs/.../etc",
            "file:///docs/secre.",
            "file:///docs/secre%20",
            "file:///docs/a::$DATA",
            "file:///docs/c:/a",
            "file:///docs/SECRET~1",
            "file:///docs/\u{17f}ecret",
            "file:///docs/%C5%BFecret",
            "file:///docs/\u{1112}\u{1161}",
            "file:///docs/\u{ff41}",
            "file:///docs/\u{fb01}",
            "file:///docs/SECRET/a",
        ] {
            assert_eq!(docs.find(held), None, "{held}");
        }
        assert_eq!(docs.find("file:///docs/.env").map(|(name, _)| name), Some("docs"));
        assert_eq!(docs.find("file:///docs/~me/a~b").map(|(name, _)| name), Some("docs"));
        let drive = rules(r#"{"c":{"uri":"file:///c:/*","tier":"low"}}"#);
        assert_eq!(drive.find("file:///c:/docs/a").map(|(name, _)| name), Some("c"));
        assert_eq!(drive.find("file:///C:/docs/a").map(|(name, _)| name), None, "written with another case");
        let sharp =
            rules(r#"{"s":{"uri":"file:///stra%C3%9Fe/*","tier":"high"},"all":{"uri":"file:///*","tier":"low"}}"#);
        assert_eq!(sharp.find("file:///straße/a").map(|(name, _)| name), Some("s"));
        assert_eq!(sharp.find("file:///strasse/a"), None, "some systems fold in full");
        assert_eq!(docs.find("https://WIKI.test/a").map(|(name, _)| name), Some("web"), "a host has no case");
        assert_eq!(docs.find("docs://README").map(|(name, _)| name), Some("read"));
        let broad = rules(r#"{"etc":{"uri":"file:///etc/*","tier":"high"},"all":{"uri":"file://*","tier":"low"}}"#);
        assert_eq!(broad.find("file:///etc/shadow").map(|(name, _)| name), Some("etc"));
        assert_eq!(broad.find("file:///home/a").map(|(name, _)| name), Some("all"));
        assert_eq!(broad.find("file://localhost/etc/shadow"), None);
        assert_eq!(broad.find("file:///ETC/shadow"), None, "some systems fold case");
    }

    /// Field: S4
    #[test]
    fn a_template_has_the_rule_that_covers_all_of_it_or_none() {
        let docs = docs();
        let found = |template: &str| docs.find_template(template).map(|(name, _)| name);
        assert_eq!(found("https://wiki.test/{page}"), Some("web"));
        assert_eq!(found("file:///docs/manual/{page}"), Some("docs"));
        assert_eq!(found("file:///docs/secret/{page}"), Some("secret"));
        for held in [
            "file:///docs/{page}",
            "file:///{+path}",
            "{+uri}",
            "https://{host}/a",
            "file:///etc/{x}",
            "file:///docs/SECRET/{x}",
            "https://wiki.test/{page}{?q}",
            "https://wiki.test/{page}{#f}",
            "https://wiki.test/{page}{&q}",
        ] {
            assert_eq!(found(held), None, "{held}");
        }
    }

    #[test]
    fn a_rule_that_could_never_match_is_refused() {
        for uri in [
            "",
            "docs",
            "FILE:///x",
            "file:///a/../b",
            "file:///a%2fb",
            "https://a.test:443/",
            "file:///a#b",
            "file:*",
            "https://*.example.com/*",
            "https://good*",
            "https://*/x",
            "file://localhost/*",
        ] {
            let text = format!(r#"{{"x":{{"uri":"{uri}","tier":"low"}}}}"#);
            assert!(serde_json::from_str::<ResourceRules>(&text).is_err(), "{uri}");
        }
        let twice = r#"{"x":{"uri":"a:b","tier":"low"},"x":{"uri":"a:c","tier":"high"}}"#;
        assert!(serde_json::from_str::<ResourceRules>(twice).is_err());
        assert!(serde_json::from_str::<ResourceRules>(r#"{"X y":{"uri":"a:b","tier":"low"}}"#).is_err());
    }
}
