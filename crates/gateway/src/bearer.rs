//! The credential of a request: one bearer token, in one place.
//!
//! Spec: OAuth 2.1 §5.1.1, RFC 6750 §2; MCP basic/authorization (token on every request, never in the query).

use http::{HeaderMap, header, request::Parts};
use token::Presented;

use crate::refusal::Refusal;

/// The token of a request, about which nothing is known yet.
pub fn present(parts: &Parts) -> Result<Presented, Refusal> {
    let query = parts.uri.query().unwrap_or("");
    if query.split('&').any(|pair| pair == "access_token" || pair.starts_with("access_token=")) {
        return Err(Refusal::BadCredentials("a token in the query is never read; send it in Authorization"));
    }
    let text = scheme_and_token(&parts.headers)?;
    Presented::new(text).map_err(|_| Refusal::InvalidToken("the token is malformed"))
}

/// Two headers, and tabs or commas between scheme and token, are read differently by different parsers.
fn scheme_and_token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Err(Refusal::NoCredentials) };
    if values.next().is_some() {
        return Err(Refusal::BadCredentials("the header Authorization occurs twice"));
    }
    if headers.contains_key("dpop") {
        return Err(Refusal::BadCredentials("a DPoP proof does not go with a Bearer token"));
    }
    let text = value.to_str().map_err(|_| Refusal::BadCredentials("Authorization has invalid characters"))?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() => {
            if is_token68(token) {
                Ok(token)
            } else {
                Err(Refusal::BadCredentials("Authorization is not one Bearer token"))
            }
        }
        // Another scheme is not a credential here: say which one is.
        _ => Err(Refusal::NoCredentials),
    }
}

/// Every byte is looked at without a branch, so that the compiler looks at many at once.
fn is_token68(text: &str) -> bool {
    let mark = |b: u8| (b == b'-') | (b == b'.') | (b == b'_') | (b == b'~') | (b == b'+') | (b == b'/') | (b == b'=');
    text.bytes().fold(true, |plain, b| plain & (b.is_ascii_alphanumeric() | mark(b)))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn refused(target: &str, headers: &[(&str, &str)]) -> Refusal {
        let mut request = Request::post(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        present(&request.body(()).unwrap().into_parts().0).unwrap_err()
    }

    /// Spec: OAuth 2.1 §5.3.2
    #[test]
    fn no_credentials_are_told_apart_from_bad_ones() {
        assert!(matches!(refused("/mcp/t", &[]), Refusal::NoCredentials));
        assert!(matches!(refused("/mcp/t", &[("authorization", "Basic YTpi")]), Refusal::NoCredentials));
        assert!(matches!(refused("/mcp/t", &[("authorization", "Bearer garbage")]), Refusal::InvalidToken(_)));
    }

    /// A lenient reader takes another token than a strict one (CVE-2026-0707).
    #[test]
    fn a_token_in_two_places_or_in_doubtful_form_is_refused() {
        for headers in [
            &[("authorization", "Bearer a.b.c"), ("authorization", "Bearer a.b.c")][..],
            &[("authorization", "Bearer a.b.c, Bearer d.e.f")],
            &[("authorization", "Bearer  a.b.c")],
            &[("authorization", "Bearer a.b.c\t")],
            &[("authorization", "Bearer a.b.c"), ("dpop", "x")],
        ] {
            assert!(matches!(refused("/mcp/t", headers), Refusal::BadCredentials(_)), "{headers:?}");
        }
        assert!(matches!(refused("/mcp/t", &[("authorization", "Bearer\ta.b.c")]), Refusal::NoCredentials));
    }

    /// Spec: MCP basic/authorization (never in the query)
    #[test]
    fn a_token_in_the_query_is_never_read() {
        assert!(matches!(refused("/mcp/t?access_token=a.b.c", &[]), Refusal::BadCredentials(_)));
        assert!(matches!(refused("/mcp/t?x=1&access_token", &[]), Refusal::BadCredentials(_)));
    }
}
