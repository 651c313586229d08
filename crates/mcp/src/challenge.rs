//! `WWW-Authenticate`: what a client is told to do next, written by who protects a server and read by who calls one.
//!
//! Spec: RFC 6750 §3, RFC 9449 §7.1, RFC 9728 §5.1, RFC 9110 §11.2, OAuth 2.1 §5.3.1; MCP basic/authorization (scope challenge).

use http::{HeaderMap, HeaderValue, header};

/// How a token is presented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// Whoever has it may use it. Spec: RFC 6750 §2.1
    #[default]
    Bearer,
    /// With a proof of the key that it is bound to. Spec: RFC 9449 §7.1
    Dpop,
}

/// A challenge of a scheme: its parameters in their order, each at most once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Challenge {
    scheme: Scheme,
    parameters: Vec<(Box<str>, Box<str>)>,
}

impl Challenge {
    /// Of the scheme `Bearer`, without parameters.
    pub fn bearer() -> Self {
        Self::of_scheme(Scheme::Bearer)
    }

    /// Of this scheme, without parameters.
    pub fn of_scheme(scheme: Scheme) -> Self {
        Self { scheme, parameters: Vec::new() }
    }

    /// Adds a parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    /// As the header's value. Characters that the grammar excludes become `?`: names of tools and servers can not
    /// break out of their quotes.
    pub fn header(&self) -> HeaderValue {
        let scheme = match self.scheme {
            Scheme::Bearer => "Bearer",
            Scheme::Dpop => "DPoP",
        };
        let mut text = String::from(scheme);
        for (at, (name, value)) in self.parameters.iter().enumerate() {
            text.push_str(if at == 0 { " " } else { ", " });
            text.push_str(name);
            text.push_str("=\"");
            text.extend(value.chars().map(|c| if matches!(c, ' ' | '!' | '#'..='[' | ']'..='~') { c } else { '?' }));
            text.push('"');
        }
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(scheme))
    }

    /// The `Bearer` challenge of a response; without parameters when there is none, or none of this scheme.
    pub fn of(headers: &HeaderMap) -> Self {
        let text = headers.get(header::WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
        text.map(Self::parse).unwrap_or_default()
    }

    /// Reads what [`header`](Self::header) or anybody else wrote. What is broken ends it.
    pub fn parse(text: &str) -> Self {
        let (mut found, mut is_bearer, mut rest) = (Self::default(), false, text);
        while let Some((name, after)) = rest.split_once('=') {
            // Before the first parameter of a challenge stands its scheme.
            let name = match name.trim().rsplit_once(' ') {
                Some((scheme, name)) => {
                    is_bearer = scheme.trim().eq_ignore_ascii_case("bearer");
                    name
                }
                None => name.trim(),
            };
            let Some((value, after)) = value(after) else { break };
            if is_bearer && !name.is_empty() && found.get(name).is_none() {
                found = found.with(name, &value);
            }
            rest = after.trim_start_matches([',', ' ']);
        }
        found
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(found, _)| **found == *name).map(|(_, value)| &**value)
    }

    /// Where to find who guards the resource.
    pub fn resource_metadata(&self) -> Option<&str> {
        self.get("resource_metadata")
    }

    /// What to ask for.
    pub fn scope(&self) -> Option<&str> {
        self.get("scope")
    }

    /// The error code.
    pub fn error(&self) -> Option<&str> {
        self.get("error")
    }

    /// What a person would want to know.
    pub fn error_description(&self) -> Option<&str> {
        self.get("error_description")
    }
}

/// A token or a quoted string, and what follows it; `None` when its quotes do not close.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (token, after) = text.split_once(',').unwrap_or((text, ""));
        return Some((token.trim().to_owned(), after));
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, character) in quoted.char_indices() {
        match character {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return Some((value, &quoted[at + 1..])),
            character => {
                escaped = false;
                value.push(character);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec: OAuth 2.1 §5.3.1
    #[test]
    fn no_value_can_break_out_of_its_quotes() {
        let header = Challenge::bearer().with("realm", "a").with("scope", "x\"\\, y=\"\r\nz ü").header();
        assert_eq!(header, r#"Bearer realm="a", scope="x??, y=???z ?""#);
    }

    /// Spec: RFC 6750 §3
    #[test]
    fn a_challenge_is_read_with_all_its_attributes() {
        let read = Challenge::parse(
            r#"Bearer realm="tickets", error="insufficient_scope", scope="tickets:low tickets.delete_ticket", resource_metadata="https://gw.test/x", error_description="a, b""#,
        );
        assert_eq!(read.error(), Some("insufficient_scope"));
        assert_eq!(read.scope(), Some("tickets:low tickets.delete_ticket"));
        assert_eq!(read.resource_metadata(), Some("https://gw.test/x"));
        assert_eq!(read.error_description(), Some("a, b"));
    }

    /// Spec: RFC 9110 §11.6.1 (several challenges in one field)
    #[test]
    fn the_bearer_challenge_is_found_among_others_and_a_value_may_be_a_token_or_escaped() {
        let read =
            Challenge::parse(r#"Basic realm="a", bearer error=invalid_token, scope="x \"y\"", Digest scope="no""#);
        assert_eq!((read.get("realm"), read.error(), read.scope()), (None, Some("invalid_token"), Some("x \"y\"")));
    }

    #[test]
    fn what_is_written_reads_back() {
        let written = Challenge::bearer().with("error", "invalid_token").with("scope", "a b").with("x", "");
        assert_eq!(Challenge::parse(written.header().to_str().unwrap()), written);
    }

    #[test]
    fn a_broken_challenge_says_nothing() {
        for text in ["", "Basic", "Bearer", "Bearer scope=\"never closed", "Bearer =", "Basic scope=\"a\""] {
            assert_eq!(Challenge::parse(text), Challenge::default(), "{text}");
        }
    }
}
