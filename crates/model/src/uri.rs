//! Redirect and resource URIs: the two comparisons that decide who gets a token for what.

use url::{Host, Url};

/// Does this redirect URI go to the computer of the person: `127.0.0.1`, `[::1]` or `localhost`?
pub fn is_loopback(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| url.scheme() == "http" && loopback_host(&url))
}

fn loopback_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address == std::net::Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == std::net::Ipv6Addr::LOCALHOST,
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// The host a code would be sent to, as shown to the person.
pub fn redirect_host(uri: &str) -> Option<String> {
    Url::parse(uri).ok()?.host_str().map(str::to_owned)
}

/// May `asked` be used by a client that registered `registered`?
///
/// Byte for byte, except that the port of a loopback redirect may differ, because a
/// native app takes any free port. The three loopback hosts are not interchangeable.
///
/// Spec: OAuth 2.1 §2.3.1, RFC 8252 §7.3.
/// Differs: the port of `localhost` may vary as well (docs/divergences.md).
pub fn redirect_matches(registered: &str, asked: &str) -> bool {
    if !is_acceptable_redirect(asked) {
        return false;
    }
    if registered == asked {
        return true;
    }
    let (Ok(a), Ok(b)) = (Url::parse(registered), Url::parse(asked)) else { return false };
    let loopback = a.scheme() == "http" && b.scheme() == "http" && loopback_host(&a) && loopback_host(&b);
    loopback && a.host() == b.host() && after_authority(registered) == after_authority(asked)
}

/// https anywhere, or http on this computer; no userinfo, no fragment, nothing that two parsers could read differently.
pub fn is_acceptable_redirect(uri: &str) -> bool {
    let plain = uri.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let Ok(url) = Url::parse(uri) else { return false };
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && loopback_host(&url));
    plain
        && scheme
        && url.username().is_empty()
        && url.password().is_none()
        && !uri.contains('#')
        && !authority(uri).contains('@')
        && after_authority(uri).split(['/', '?']).all(|segment| !is_dot_segment(segment))
}

fn is_dot_segment(segment: &str) -> bool {
    let decoded = segment.to_ascii_lowercase().replace("%2e", ".");
    decoded == "." || decoded == ".."
}

fn authority(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or("")
}

fn after_authority(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or("", |(_, rest)| rest);
    &rest[authority(uri).len()..]
}

/// Is `asked` the resource `registered`, allowing what clients in the field get wrong safely?
///
/// Exact, or equal after lower-casing scheme and host, dropping the default port and one trailing slash.
/// The registered form is what goes into `aud`.
///
/// Spec: RFC 8707 §2, RFC 3986 §6.2.2.
pub fn resource_matches(registered: &str, asked: &str) -> bool {
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

    /// Spec: OAuth 2.1 §2.3.1, RFC 8252 §7.3
    #[test]
    fn only_the_port_of_a_loopback_redirect_may_differ() {
        let fits = redirect_matches;
        assert!(fits("https://app.test/cb", "https://app.test/cb"));
        assert!(fits("http://127.0.0.1/callback", "http://127.0.0.1:53117/callback"));
        assert!(fits("http://localhost:3000/callback", "http://localhost:9/callback"));
        assert!(fits("http://[::1]/callback", "http://[::1]:53117/callback"));
        assert!(!fits("https://app.test/cb", "https://app.test:444/cb"));
        assert!(!fits("http://127.0.0.1/callback", "http://localhost:5/callback"));
    }

    /// Spec: RFC 9700 §4.1
    #[test]
    fn every_trick_on_a_redirect_is_refused() {
        for asked in [
            "https://app.test/cb/",
            "https://app.test/cb?x=1",
            "https://app.test/cb#f",
            "https://app.test/a/../cb",
            "https://app.test/%2e%2e/cb",
            "https://app.test.evil.test/cb",
            "https://app.test@evil.test/cb",
            "https://APP.test/cb",
            "http://app.test/cb",
            "https://app.test\\@evil.test/cb",
            "javascript:alert(1)",
            "https://app.test/cb ",
        ] {
            assert!(!redirect_matches("https://app.test/cb", asked), "{asked}");
        }
        assert!(!redirect_matches("http://127.0.0.1/cb", "http://127.0.0.1@evil.test/cb"));
        assert!(!redirect_matches("http://127.0.0.1/cb", "http://127.0.0.1:80@evil.test/cb"));
    }

    #[test]
    fn a_dangerous_redirect_is_refused_even_when_registered() {
        assert!(!redirect_matches("javascript:alert(1)", "javascript:alert(1)"));
        assert!(!redirect_matches("http://app.test/cb", "http://app.test/cb"));
    }

    /// Spec: RFC 8707 §2
    #[test]
    fn a_resource_may_differ_by_one_slash_and_case_of_host() {
        let ours = "https://gw.test/mcp/tickets";
        assert!(resource_matches(ours, "https://GW.test:443/mcp/tickets/"));
        for bad in [
            "https://gw.test/mcp/ticket",
            "https://gw.test/",
            "https://gw.test/mcp/tickets#x",
            "http://gw.test/mcp/tickets",
            "https://gw.test/mcp/TICKETS",
        ] {
            assert!(!resource_matches(ours, bad), "{bad}");
        }
    }
}
