//! Redirect URIs: where a code may be sent, and how an answer gets there.
//!
//! Spec: OAuth 2.1 §2.3, RFC 6749 §4.1.2, RFC 8252 §7.3, RFC 9207 §2, RFC 9700 §4.1.

use form_urlencoded::Serializer;
use model::loopback::is_loopback_host;
use url::Url;

/// The host a code would be sent to, as it is written there and as the person is shown it.
pub fn host(uri: &str) -> Option<String> {
    let authority = authority(uri);
    let host = match authority.find(']') {
        Some(end) => &authority[..=end],
        None => authority.split(':').next().unwrap_or_default(),
    };
    (!host.is_empty()).then(|| host.to_owned())
}

/// May `asked` be used by a client that registered `registered`?
///
/// What is compared is what is sent: the bytes, never what a parser makes of them. Only the port may differ, and only
/// where both are written with the same loopback literal, because a native app takes any free port. The three
/// loopback hosts are not interchangeable.
///
/// Spec: OAuth 2.1 §2.3.1, RFC 8252 §7.3.
/// Differs: the port of `localhost` may vary as well (docs/divergences.md).
pub fn matches(registered: &str, asked: &str) -> bool {
    if !is_acceptable(asked) {
        return false;
    }
    match (loopback_literal(registered), loopback_literal(asked)) {
        _ if registered == asked => true,
        (Some(registered), Some(asked)) => registered == asked,
        _ => false,
    }
}

/// `http://HOST[:PORT]REST` without the port, when HOST is a loopback literal as everybody writes it and PORT is
/// a decimal number that nothing would shorten or leave out. All else is only ever compared as a whole.
fn loopback_literal(uri: &str) -> Option<(&'static str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let host = ["127.0.0.1", "[::1]", "localhost"].into_iter().find(|host| rest.starts_with(host))?;
    let rest = &rest[host.len()..];
    let Some(port_and_rest) = rest.strip_prefix(':') else {
        return (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest));
    };
    let end = port_and_rest.find(['/', '?']).unwrap_or(port_and_rest.len());
    let (port, rest) = port_and_rest.split_at(end);
    let number: u16 = port.parse().ok()?;
    let canonical = number != 0 && number != DEFAULT_PORT && number.to_string() == port;
    canonical.then_some((host, rest))
}

/// Left out by whoever writes a URL anew, so it is never written.
const DEFAULT_PORT: u16 = 80;

/// https anywhere, or http on this computer; no userinfo, no fragment, no wildcard, nothing that two parsers could
/// read differently.
pub fn is_acceptable(uri: &str) -> bool {
    fault(uri).is_none()
}

/// Why no code may be sent to `uri`, in words for whoever published it; `None` when one may.
pub fn fault(uri: &str) -> Option<&'static str> {
    if !uri.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
        return Some("it has characters that no URL has");
    }
    let Ok(url) = Url::parse(uri) else { return Some("it is not a URL") };
    match url.scheme() {
        "https" => {}
        "http" if is_loopback_host(&url) => {}
        "http" => return Some("http is only for 127.0.0.1, [::1] and localhost"),
        _ => return Some("its scheme is not https, and anybody can register a scheme of their own"),
    }
    if authority(uri).is_empty() {
        return Some("it names no host");
    }
    if !url.username().is_empty() || url.password().is_some() || authority(uri).contains('@') {
        return Some("it carries a user name");
    }
    if uri.contains('#') {
        return Some("it has a fragment");
    }
    if uri.contains('*') {
        return Some("it has a wildcard");
    }
    if after_authority(uri).split(['/', '?']).any(is_dot_segment) {
        return Some("it has dot segments");
    }
    None
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

/// The redirect as it was compared, byte for byte, and what is to be told there: always with `iss`, and with `state` when
/// there was one.
///
/// Spec: RFC 6749 §4.1.2 and §4.1.2.1, RFC 9207 §2
pub fn answer(redirect_uri: &str, parameters: &[(&str, &str)], state: Option<&str>, issuer: &str) -> String {
    let mut query = Serializer::new(String::new());
    query.extend_pairs(parameters);
    if let Some(state) = state {
        query.append_pair("state", state);
    }
    query.append_pair("iss", issuer);
    let joint = if redirect_uri.contains('?') { '&' } else { '?' };
    format!("{redirect_uri}{joint}{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec: OAuth 2.1 §2.3.1, RFC 8252 §7.3
    #[test]
    fn only_the_port_of_a_loopback_redirect_may_differ() {
        let fits = matches;
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
            assert!(!matches("https://app.test/cb", asked), "{asked}");
        }
        assert!(!matches("http://127.0.0.1/cb", "http://127.0.0.1@evil.test/cb"));
        assert!(!matches("http://127.0.0.1/cb", "http://127.0.0.1:80@evil.test/cb"));
    }

    /// Spec: OAuth 2.1 §2.3.1, RFC 8252 §7.3
    /// Field: A7
    #[test]
    fn a_loopback_redirect_is_compared_as_it_is_written() {
        for asked in [
            "http://0177.0.0.1:5/callback",
            "http://127.1:5/callback",
            "http://2130706433:5/callback",
            "http://0x7f.0.0.1:5/callback",
            "http://127.0.0.1.:5/callback",
            "http://127.0.0.2:5/callback",
            "http://[::ffff:127.0.0.1]:5/callback",
            "http://127.0.0.1:80/callback",
            "http://127.0.0.1:/callback",
            "http://127.0.0.1:05/callback",
            "http://127.0.0.1:+5/callback",
            "http://127.0.0.1:0/callback",
            "http://127.0.0.1:65536/callback",
            "http://127.0.0.1:5:6/callback",
            "http://u@127.0.0.1:5/callback",
            "http://127.0.0.1:5@evil.test/callback",
            "http://127.0.0.1:5\\@evil.test/callback",
            "http://127.0.0.1.evil.test:5/callback",
            "http://127.0.0.1:5/callback/",
            "http://127.0.0.1:5/Callback",
            "http://127.0.0.1:5/callback?x",
            "http://127.0.0.1:5//callback",
            "http://127.0.0.1:5/%63allback",
            "HTTP://127.0.0.1:5/callback",
            "http:127.0.0.1:5/callback",
            "http:/127.0.0.1:5/callback",
            "http://127.0.0.1:5/callback\t",
            "http://127.0.0.1:5\n/callback",
            "\thttp://127.0.0.1:5/callback",
            " http://127.0.0.1:5/callback",
            "https://127.0.0.1:5/callback",
        ] {
            assert!(!matches("http://127.0.0.1/callback", asked), "{asked:?}");
        }
        for asked in [
            "http://LOCALHOST:5/callback",
            "http://%6cocalhost:5/callback",
            "http://localhost.:5/callback",
            "http://localhost:80/callback",
            "http://localhostx:5/callback",
            "http://127.0.0.1:5/callback",
            "http://[::1]:5/callback",
        ] {
            assert!(!matches("http://localhost/callback", asked), "{asked:?}");
        }
        for asked in ["http://[0:0:0:0:0:0:0:1]:5/cb", "http://[::0001]:5/cb", "http://[::1%25lo]:5/cb"] {
            assert!(!matches("http://[::1]/cb", asked), "{asked:?}");
        }
    }

    /// Field: A7
    #[test]
    fn what_is_registered_in_an_odd_way_is_matched_in_this_way_only() {
        for odd in [
            "http://0177.0.0.1:5/cb",
            "http://LOCALHOST:5/cb",
            "http://127.0.0.1:80/cb",
            "https://app.test:443/cb",
            "https://APP.test/cb",
            "https://app.test./cb",
        ] {
            assert!(matches(odd, odd), "{odd}");
        }
        assert!(!matches("http://0177.0.0.1:5/cb", "http://0177.0.0.1:6/cb"));
        assert!(!matches("http://0177.0.0.1:5/cb", "http://127.0.0.1:5/cb"));
        assert!(!matches("http://LOCALHOST/cb", "http://localhost/cb"));
        assert!(!matches("http://127.0.0.1:80/cb", "http://127.0.0.1:81/cb"));
        assert!(!matches("https://app.test:443/cb", "https://app.test/cb"));
    }

    /// Field: A7
    #[test]
    fn an_editor_that_takes_any_port_gets_its_answer_at_the_root_too() {
        assert!(matches("http://127.0.0.1/", "http://127.0.0.1:33418/"));
        assert!(matches("http://127.0.0.1:33418/", "http://127.0.0.1:61822/"));
        assert!(matches("http://127.0.0.1:33418/", "http://127.0.0.1/"));
        assert!(matches("http://127.0.0.1:33418", "http://127.0.0.1:61822"));
        assert!(matches("http://127.0.0.1/?x=1", "http://127.0.0.1:33418/?x=1"));
        assert!(!matches("http://127.0.0.1/", "http://127.0.0.1:33418"));
        assert!(!matches("http://127.0.0.1/", "http://127.0.0.1:33418/x"));
    }

    /// Field: A7
    #[test]
    fn the_host_that_is_shown_is_the_one_that_is_sent() {
        for (uri, expected) in [
            ("http://0177.0.0.1:5/cb", "0177.0.0.1"),
            ("http://[::1]:5/cb", "[::1]"),
            ("https://APP.test/cb", "APP.test"),
            ("https://app.test?x", "app.test"),
        ] {
            assert_eq!(host(uri).as_deref(), Some(expected));
        }
        assert_eq!(host("https:/app.test"), None);
    }

    /// Field: A6
    #[test]
    fn a_redirect_that_is_never_usable_says_why() {
        for (uri, why) in [
            ("cursor://anysphere.cursor-mcp/oauth/callback", "scheme"),
            ("com.example.app:/cb", "scheme"),
            ("urn:ietf:wg:oauth:2.0:oob", "scheme"),
            ("https://app.test/*", "wildcard"),
            ("https://*.app.test/cb", "wildcard"),
            ("http://localhost:*/cb", "URL"),
            ("https://app.test/cb#", "fragment"),
            ("http://app.test/cb", "http is only"),
            ("https:app.test", "no host"),
            ("https:///app.test", "no host"),
            ("https://u:p@app.test/cb", "user name"),
            ("https://app.test/\u{e4}", "characters"),
        ] {
            assert!(fault(uri).is_some_and(|fault| fault.contains(why)), "{uri}: {:?}", fault(uri));
            assert!(!matches(uri, uri), "{uri}");
        }
    }

    #[test]
    fn a_dangerous_redirect_is_refused_even_when_registered() {
        assert!(!matches("javascript:alert(1)", "javascript:alert(1)"));
        assert!(!matches("http://app.test/cb", "http://app.test/cb"));
    }

    /// Spec: RFC 6749 §4.1.2, RFC 9207 §2
    #[test]
    fn an_answer_says_whose_it_is_and_keeps_the_redirect_as_it_was() {
        let told = answer("https://app.test/cb", &[("code", "a+b")], Some("s 1"), "https://gw.test");
        assert_eq!(told, "https://app.test/cb?code=a%2Bb&state=s+1&iss=https%3A%2F%2Fgw.test");
        let told = answer("https://app.test/cb?x=1", &[("error", "access_denied")], None, "https://gw.test");
        assert_eq!(told, "https://app.test/cb?x=1&error=access_denied&iss=https%3A%2F%2Fgw.test");
    }
}
