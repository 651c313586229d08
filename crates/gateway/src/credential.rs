//! The credential of a request: one bearer token, in one place.
//!
//! Spec: OAuth 2.1 §5.1.1, RFC 6750 §2; MCP basic/authorization (token on every request, never in the query).

use crypto::Presented;
use http::{HeaderMap, header, request::Parts};

/// Why there is no token to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// None was sent, or one of another scheme.
    #[error("no access token was sent")]
    Missing,
    /// It could be read in two ways.
    #[error("{0}")]
    Doubtful(Doubt),
    /// It has not the form of a token.
    #[error("the token is malformed")]
    Malformed,
}

/// Why a credential could be read in two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// It stands in the query.
    #[error("a token in the query is never read; send it in Authorization")]
    InQuery,
    /// There are two.
    #[error("the header Authorization occurs twice")]
    Twice,
    /// A proof of another scheme stands beside it.
    #[error("a DPoP proof does not go with a Bearer token")]
    WithProof,
    /// It has characters that no header has.
    #[error("Authorization has invalid characters")]
    Characters,
    /// It is more or less than one token.
    #[error("Authorization is not one Bearer token")]
    NotOneToken,
}

/// The token of a request, about which nothing is known yet.
pub fn present(parts: &Parts) -> Result<Presented, CredentialError> {
    let query = parts.uri.query().unwrap_or("");
    if query.split('&').any(|pair| pair == "access_token" || pair.starts_with("access_token=")) {
        return Err(CredentialError::Doubtful(Doubt::InQuery));
    }
    let text = scheme_and_token(&parts.headers)?;
    Presented::new(text).map_err(|_| CredentialError::Malformed)
}

/// Two headers, and tabs or commas between scheme and token, are read differently by different parsers.
fn scheme_and_token(headers: &HeaderMap) -> Result<&str, CredentialError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Err(CredentialError::Missing) };
    if values.next().is_some() {
        return Err(CredentialError::Doubtful(Doubt::Twice));
    }
    if headers.contains_key("dpop") {
        return Err(CredentialError::Doubtful(Doubt::WithProof));
    }
    let text = value.to_str().map_err(|_| CredentialError::Doubtful(Doubt::Characters))?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() => {
            if is_token68(token) {
                Ok(token)
            } else {
                Err(CredentialError::Doubtful(Doubt::NotOneToken))
            }
        }
        // Another scheme is not a credential here: say which one is.
        _ => Err(CredentialError::Missing),
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

    fn refused(target: &str, headers: &[(&str, &str)]) -> CredentialError {
        let mut request = Request::post(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        present(&request.body(()).unwrap().into_parts().0).unwrap_err()
    }

    /// Spec: OAuth 2.1 §5.3.2
    #[test]
    fn no_credentials_are_told_apart_from_bad_ones() {
        assert!(matches!(refused("/mcp/t", &[]), CredentialError::Missing));
        assert!(matches!(refused("/mcp/t", &[("authorization", "Basic YTpi")]), CredentialError::Missing));
        assert!(matches!(refused("/mcp/t", &[("authorization", "Bearer garbage")]), CredentialError::Malformed));
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
            assert!(matches!(refused("/mcp/t", headers), CredentialError::Doubtful(_)), "{headers:?}");
        }
        assert!(matches!(refused("/mcp/t", &[("authorization", "Bearer\ta.b.c")]), CredentialError::Missing));
    }

    /// Spec: MCP basic/authorization (never in the query)
    #[test]
    fn a_token_in_the_query_is_never_read() {
        assert!(matches!(refused("/mcp/t?access_token=a.b.c", &[]), CredentialError::Doubtful(_)));
        assert!(matches!(refused("/mcp/t?x=1&access_token", &[]), CredentialError::Doubtful(_)));
    }
}
