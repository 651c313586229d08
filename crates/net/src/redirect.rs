//! Which redirects of a server are followed: 307 and 308 to the same origin, which change neither method nor body.
//!
//! Many servers answer `/mcp` with 307 to `/mcp/`. What an operator wrote into the configuration is an origin that they
//! trust with the request and with the credentials that go with it, so nothing else is followed: not another scheme or
//! port, not a status that turns a POST into a GET, and nothing that two readers could resolve in two ways.
//!
//! Spec: RFC 9110 §15.4.8 (307), §15.4.9 (308), §10.2.2 (Location).

use http::{HeaderMap, HeaderValue, StatusCode, header};
use url::Url;

/// How often one request is sent on.
pub const HOPS: usize = 2;

/// Where the same request goes next; `None` for whatever is not followed.
pub fn onward(from: &Url, status: StatusCode, headers: &HeaderMap) -> Option<Url> {
    if !matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT) {
        return None;
    }
    let text = location(headers)?;
    // Readers differ on what these are.
    if text.is_empty() || text.bytes().any(|byte| !byte.is_ascii_graphic() || matches!(byte, b'\\' | b'#' | b'@')) {
        return None;
    }
    let next = from.join(text).ok()?;
    let same = next.origin() == from.origin() && next.username().is_empty() && next.password().is_none();
    same.then_some(next)
}

/// The target for a log or a person, without what may be a secret in it.
pub fn shown(headers: &HeaderMap) -> String {
    let target = headers.get(header::LOCATION).and_then(|target| target.to_str().ok()).unwrap_or_default();
    let target = target.split(['?', '#']).next().unwrap_or_default();
    let target = match target.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{path}")
        }
        None => target.to_owned(),
    };
    target.chars().filter(|c| !c.is_control()).take(256).collect()
}

/// An address for a log, without what may be a secret in it.
pub fn without_query(url: &Url) -> &str {
    &url[..url::Position::AfterPath]
}

/// The one target.
fn location(headers: &HeaderMap) -> Option<&str> {
    let mut fields = headers.get_all(header::LOCATION).iter();
    let field = fields.next().filter(|_| fields.next().is_none());
    field.and_then(|field: &HeaderValue| field.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(locations: &[&str]) -> HeaderMap {
        locations.iter().map(|text| (header::LOCATION, HeaderValue::from_str(text).unwrap())).collect()
    }

    fn next(from: &str, status: u16, locations: &[&str]) -> Option<String> {
        let status = StatusCode::from_u16(status).unwrap();
        onward(&from.parse().unwrap(), status, &headers(locations)).map(Into::into)
    }

    /// Spec: RFC 9110 §15.4.8, §15.4.9
    ///
    /// Field: G8
    #[test]
    fn the_same_request_goes_on_to_the_same_origin() {
        for (location, to) in [
            ("/mcp/", "https://a.test/mcp/"),
            ("mcp/", "https://a.test/mcp/"),
            ("https://a.test/v2?tenant=b", "https://a.test/v2?tenant=b"),
            ("https://a.test:443/mcp/", "https://a.test/mcp/"),
            ("//a.test/mcp/", "https://a.test/mcp/"),
            ("HTTPS://A.test/mcp/", "https://a.test/mcp/"),
        ] {
            for status in [307, 308] {
                assert_eq!(next("https://a.test/mcp", status, &[location]).as_deref(), Some(to), "{location}");
            }
        }
    }

    /// Field: G8
    #[test]
    fn nothing_goes_to_another_origin_or_in_another_form() {
        for location in [
            "http://a.test/mcp/",
            "https://a.test:8443/mcp/",
            "https://b.test/mcp/",
            "https://a.test.b.test/",
            "//b.test/mcp",
            "\\\\b.test/mcp",
            "/\\b.test/mcp",
            "https://a.test@b.test/",
            "https://user:secret@a.test/",
            "https://@a.test/",
            "file:///etc/passwd",
            "javascript:1",
            "/mcp/#fragment",
            "/mcp /",
            "/mcp\t/",
            "",
        ] {
            assert_eq!(next("https://a.test/mcp", 307, &[location]), None, "{location}");
        }
        for status in [200, 300, 301, 302, 303, 304, 305, 306, 400] {
            assert_eq!(next("https://a.test/mcp", status, &["/mcp/"]), None, "{status}");
        }
        assert_eq!(next("https://a.test/mcp", 307, &[]), None);
        assert_eq!(next("https://a.test/mcp", 307, &["/mcp/", "/mcp/"]), None, "two targets");
    }

    #[test]
    fn a_target_is_shown_without_what_may_be_a_secret() {
        for (location, shows) in [
            ("https://b.test/login?token=s#t", "https://b.test/login"),
            ("https://user:secret@b.test/x", "https://b.test/x"),
            ("https://user:secret@b.test", "https://b.test"),
            ("/mcp/", "/mcp/"),
        ] {
            assert_eq!(shown(&headers(&[location])), shows);
        }
        assert_eq!(shown(&HeaderMap::new()), "");
    }
}
