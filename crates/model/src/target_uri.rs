//! The URI that a request is for, in the one form in which two of them can be compared.
//!
//! A client writes the address as it has it, and not every client writes it like ours: with the default port, with another
//! case of the host, with `%74` for a `t`. What names the same resource by the rules of URIs is the same; nothing else is.
//!
//! Spec: RFC 9449 §4.3 (9), RFC 3986 §6.2.2 and §6.2.3.

use std::fmt;

use url::Url;

/// An http or https address without query and fragment, normalised.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TargetUri(Box<str>);

/// Longer ones are refused.
const LONGEST: usize = 2048;

impl TargetUri {
    /// Reads an address; `None` for what is none, or names a person or a password.
    pub fn parse(text: &str) -> Option<Self> {
        // The reader of URLs forgives what is no URI: white space, backslashes, a missing `//`.
        if text.len() > LONGEST || !text.bytes().all(is_of_a_uri) || !text.contains("://") {
            return None;
        }
        let mut url = Url::parse(text).ok()?;
        if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        url.set_query(None);
        url.set_fragment(None);
        Some(Self(unescaped(url.as_str())?.into()))
    }

    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TargetUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Spec: RFC 3986 §2
fn is_of_a_uri(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&b)
}

/// Without escapes of characters that need none, and the others in upper case; `None` when one is broken.
///
/// Spec: RFC 3986 §6.2.2.1 and §6.2.2.2
fn unescaped(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        plain.push_str(before);
        let digits = after.get(..2).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        match u8::from_str_radix(digits, 16) {
            Ok(b) if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => plain.push(char::from(b)),
            _ => {
                plain.push('%');
                plain.push_str(&digits.to_ascii_uppercase());
            }
        }
        rest = &after[2..];
    }
    plain.push_str(rest);
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        TargetUri::parse(one).is_some_and(|one| Some(one) == TargetUri::parse(other))
    }

    /// Spec: RFC 9449 §4.3 (9), RFC 3986 §6.2.2, §6.2.3
    #[test]
    fn one_resource_has_one_form_however_it_is_written() {
        let ours = "https://gw.test/mcp/tickets";
        for written in [
            "HTTPS://GW.test/mcp/tickets",
            "https://gw.test:443/mcp/tickets",
            "https://gw.test/mcp/%74ickets",
            "https://gw.test/x/../mcp/./tickets",
            "https://gw.test/mcp/tickets?page=1",
            "https://gw.test/mcp/tickets#top",
        ] {
            assert!(same(ours, written), "{written}");
        }
        assert!(
            same("https://gw.test", "https://gw.test/") && same("https://gw.test/%c3%a9", "https://gw.test/%C3%A9")
        );
    }

    /// Spec: RFC 9449 §4.3 (9)
    #[test]
    fn another_resource_is_another_however_near_it_is() {
        let ours = "https://gw.test/mcp/tickets";
        for other in [
            "",
            "https://gw.test/mcp/tickets/",
            "https://gw.test/mcp//tickets",
            "https://gw.test/mcp/Tickets",
            "http://gw.test/mcp/tickets",
            "https://gw.test:444/mcp/tickets",
            "https://gw.test.evil.test/mcp/tickets",
            "https://gw.test@evil.test/mcp/tickets",
            "https://ada:x@gw.test/mcp/tickets",
            "https://gw.test/mcp/%2574ickets",
            "https://gw.test/mcp%2Ftickets",
            "https://gw.test/mcp/tickets%",
            "https:\\\\gw.test\\mcp\\tickets",
            "https:gw.test/mcp/tickets",
            " https://gw.test/mcp/tickets",
            "https://gw.test/mcp/tick\tets",
            "/mcp/tickets",
            "file://gw.test/mcp/tickets",
        ] {
            assert!(!same(ours, other), "{other}");
        }
        assert!(TargetUri::parse(&format!("https://gw.test/{}", "x".repeat(LONGEST))).is_none());
    }
}
