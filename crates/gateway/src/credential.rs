//! The credential of a request: one token in one place, and where it is bound to a key one proof of that.
//!
//! Spec: OAuth 2.1 §5.1.1, RFC 6750 §2, RFC 9449 §7.1; MCP basic/authorization (token on every request, never in the query).

use crypto::{Presented, PresentedProof, ProofError};
use http::{HeaderMap, header, request::Parts};
use mcp::challenge::Scheme;
use oauth::dpop_header::{self, DPOP};

/// A token and how it is presented, about which nothing is known yet.
#[derive(Debug)]
pub struct Credential {
    /// The token.
    pub token: Presented,
    /// By itself, or with a proof.
    pub presentation: Presentation,
}

/// How a token is presented.
#[derive(Debug)]
pub enum Presentation {
    /// By itself.
    Bearer,
    /// With a proof.
    Dpop(PresentedProof),
}

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
    /// The proof that has to come with it did not come, or has not the form of one.
    #[error("{0}")]
    Proof(ProofError),
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
    /// There are two proofs.
    #[error("the header DPoP occurs twice")]
    TwoProofs,
    /// It has characters that no header has.
    #[error("Authorization has invalid characters")]
    Characters,
    /// It is more or less than one token.
    #[error("Authorization is not one token of the scheme Bearer or DPoP")]
    NotOneToken,
}

/// By which scheme a request presents its token, so that it is answered in it; `Bearer` when it presents none.
pub fn scheme(headers: &HeaderMap) -> Scheme {
    let text = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or("");
    match text.split_once(' ') {
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("dpop") => Scheme::Dpop,
        _ => Scheme::Bearer,
    }
}

/// The credential of a request, about which nothing is known yet.
pub fn present(parts: &Parts) -> Result<Credential, CredentialError> {
    let query = parts.uri.query().unwrap_or("");
    if query.split('&').any(|pair| pair == "access_token" || pair.starts_with("access_token=")) {
        return Err(CredentialError::Doubtful(Doubt::InQuery));
    }
    let (scheme, text) = scheme_and_token(&parts.headers)?;
    let token = Presented::new(text).map_err(|_| CredentialError::Malformed)?;
    let presentation = match (scheme, dpop_header::proof(&parts.headers)) {
        // One that is not even looked at must not stand there: its sender believes that it protects the token.
        (Scheme::Bearer, _) if parts.headers.contains_key(DPOP) => {
            return Err(CredentialError::Doubtful(Doubt::WithProof));
        }
        (Scheme::Bearer, _) => Presentation::Bearer,
        (Scheme::Dpop, Ok(Some(proof))) => Presentation::Dpop(proof),
        (Scheme::Dpop, Ok(None)) => return Err(CredentialError::Proof(ProofError::Missing)),
        (Scheme::Dpop, Err(ProofError::Several)) => return Err(CredentialError::Doubtful(Doubt::TwoProofs)),
        (Scheme::Dpop, Err(why)) => return Err(CredentialError::Proof(why)),
    };
    Ok(Credential { token, presentation })
}

/// Two headers, and tabs or commas between scheme and token, are read differently by different parsers.
fn scheme_and_token(headers: &HeaderMap) -> Result<(Scheme, &str), CredentialError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Err(CredentialError::Missing) };
    if values.next().is_some() {
        return Err(CredentialError::Doubtful(Doubt::Twice));
    }
    let text = value.to_str().map_err(|_| CredentialError::Doubtful(Doubt::Characters))?;
    // Another scheme is not a credential here: say which ones are.
    let (name, token) = text.split_once(' ').filter(|(_, token)| !token.is_empty()).ok_or(CredentialError::Missing)?;
    let scheme = match name {
        bearer if bearer.eq_ignore_ascii_case("bearer") => Scheme::Bearer,
        dpop if dpop.eq_ignore_ascii_case("dpop") => Scheme::Dpop,
        _ => return Err(CredentialError::Missing),
    };
    match is_token68(token) {
        true => Ok((scheme, token)),
        false => Err(CredentialError::Doubtful(Doubt::NotOneToken)),
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
            &[("authorization", "DPoP a.b.c, Bearer d.e.f"), ("dpop", "d.e.f")],
            &[("authorization", "DPoP a.b.c"), ("authorization", "Bearer a.b.c"), ("dpop", "d.e.f")],
            &[("authorization", "DPoP a.b.c"), ("dpop", "d.e.f"), ("dpop", "d.e.f")],
        ] {
            assert!(matches!(refused("/mcp/t", headers), CredentialError::Doubtful(_)), "{headers:?}");
        }
        assert!(matches!(refused("/mcp/t", &[("authorization", "Bearer\ta.b.c")]), CredentialError::Missing));
    }

    /// Spec: RFC 9449 §7.1
    #[test]
    fn a_token_of_the_scheme_dpop_needs_a_proof_that_could_be_one() {
        let token = ("authorization", "dPoP a.b.c");
        assert_eq!(refused("/mcp/t", &[token]), CredentialError::Proof(ProofError::Missing));
        for proof in ["", "x", "a.b.c, a.b.c", "a.b.c d"] {
            let refused = refused("/mcp/t", &[token, ("dpop", proof)]);
            assert_eq!(refused, CredentialError::Proof(ProofError::Malformed), "{proof}");
        }
        let request = Request::post("/mcp/t").header("authorization", "DPoP a.b.c").header("dpop", "d.e.f");
        let credential = present(&request.body(()).unwrap().into_parts().0).unwrap();
        assert!(matches!(credential.presentation, Presentation::Dpop(_)));
    }

    /// Spec: MCP basic/authorization (never in the query)
    #[test]
    fn a_token_in_the_query_is_never_read() {
        assert!(matches!(refused("/mcp/t?access_token=a.b.c", &[]), CredentialError::Doubtful(_)));
        assert!(matches!(refused("/mcp/t?x=1&access_token", &[]), CredentialError::Doubtful(_)));
    }
}
