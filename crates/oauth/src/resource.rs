//! Resource indicators: for which server a token is.
//!
//! Spec: RFC 8707 §2, RFC 9728 §3.3.

use url::Url;

/// Is `asked` the resource `registered`, allowing what clients in the field get wrong safely?
///
/// Exact, or equal after lower-casing scheme and host, dropping the default port and one trailing slash.
/// The registered form is what goes into `aud`.
///
/// Spec: RFC 8707 §2, RFC 3986 §6.2.2.
pub fn matches(registered: &str, asked: &str) -> bool {
    registered == asked
        || match (Url::parse(registered), Url::parse(asked)) {
            (Ok(a), Ok(b)) => {
                let tidy = |url: &Url| url.as_str().strip_suffix('/').unwrap_or(url.as_str()).to_owned();
                b.fragment().is_none() && asked.is_ascii() && tidy(&a) == tidy(&b)
            }
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec: RFC 8707 §2
    #[test]
    fn a_resource_may_differ_by_one_slash_and_case_of_host() {
        let ours = "https://gw.test/mcp/tickets";
        assert!(matches(ours, "https://GW.test:443/mcp/tickets/"));
        for bad in [
            "https://gw.test/mcp/ticket",
            "https://gw.test/",
            "https://gw.test/mcp/tickets#x",
            "http://gw.test/mcp/tickets",
            "https://gw.test/mcp/TICKETS",
        ] {
            assert!(!matches(ours, bad), "{bad}");
        }
    }
}
