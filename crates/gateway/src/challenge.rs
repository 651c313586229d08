//! `WWW-Authenticate`: what a client is told to do next.
//!
//! Spec: RFC 6750 §3, RFC 9728 §5.1, OAuth 2.1 §5.3.1; MCP basic/authorization (scope challenge).

use http::HeaderValue;

/// A challenge of the scheme `Bearer`, attribute by attribute, each at most once.
#[derive(Debug)]
pub struct Challenge(String);

impl Challenge {
    /// Without attributes.
    pub fn bearer() -> Self {
        Self("Bearer".into())
    }

    /// Adds an attribute. Characters that the grammar excludes become `?`: names of tools and servers can not
    /// break out of their quotes.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.push_str(if self.0 == "Bearer" { " " } else { ", " });
        self.0.push_str(name);
        self.0.push_str("=\"");
        self.0.extend(value.chars().map(|c| if matches!(c, ' ' | '!' | '#'..='[' | ']'..='~') { c } else { '?' }));
        self.0.push('"');
        self
    }

    /// As the header's value.
    pub fn header(self) -> HeaderValue {
        HeaderValue::try_from(self.0).unwrap_or(HeaderValue::from_static("Bearer"))
    }
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
}
