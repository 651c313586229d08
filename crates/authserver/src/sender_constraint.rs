//! Whether what is issued is good in the hands of its client alone: the proof of a key at the token endpoint.
//!
//! It is asked once, before any grant type. A client that proves a key gets tokens that are bound to it; one that said it always
//! would, or whose code or refresh token is bound, gets nothing without.
//!
//! Spec: RFC 9449 §5, §5.2 and §8.
//!
//! Next: `issue`, which binds what is issued.

use crypto::{Proof, ProofError, ProofFor, dpop};
use http::{HeaderMap, HeaderValue};
use model::{TargetUri, Thumbprint, config::DpopNonce};
use oauth::dpop_header::{self, DPOP};

use crate::{client_auth::Authenticated, context::Context, error::TokenError, paths};

/// The proof that comes with a token request of `client`, if one does.
///
/// Spec: RFC 9449 §5 ("dpop_bound_access_tokens": §5.2)
pub(crate) fn prove(cx: &Context, headers: &HeaderMap, client: &Authenticated) -> Result<Option<Proof>, TokenError> {
    let Some(presented) = dpop_header::proof(headers)? else {
        return match client.client.client.dpop_bound_access_tokens {
            true => Err(TokenError::Proof(ProofError::Missing)),
            false => Ok(None),
        };
    };
    // INVARIANT: the issuer is a URL without a query, so its token endpoint has an address.
    let uri = TargetUri::parse(&format!("{}{}", cx.issuer(), paths::TOKEN)).ok_or(ProofError::Uri)?;
    let nonces = demands_nonces(cx).then_some(&cx.nonces);
    let wanted = ProofFor { method: "POST", uri: &uri, token: None, nonces };
    Ok(Some(dpop::verify(&presented, &wanted, cx.store.now())?))
}

/// Does whoever shows something that is `bound` prove that key?
///
/// Spec: RFC 9449 §5 (refresh tokens of public clients), §10 (`dpop_jkt`)
pub(crate) fn holds(bound: Option<&Thumbprint>, proved: Option<&Thumbprint>) -> Result<(), TokenError> {
    match (bound, proved) {
        (None, _) => Ok(()),
        (Some(bound), Some(proved)) if bound == proved => Ok(()),
        (Some(_), Some(_)) => Err(TokenError::OtherKey),
        (Some(_), None) => Err(TokenError::Proof(ProofError::Missing)),
    }
}

/// The nonce that goes with the answer to a request with a proof, where they are demanded: also with one that had a good one, so
/// that the next is never too old.
///
/// Spec: RFC 9449 §8.2
pub(crate) fn nonce(cx: &Context, headers: &HeaderMap) -> Option<HeaderValue> {
    let due = demands_nonces(cx) && headers.contains_key(DPOP);
    due.then(|| HeaderValue::try_from(cx.nonces.nonce(cx.store.now())).ok()).flatten()
}

fn demands_nonces(cx: &Context) -> bool {
    match cx.config.tokens.dpop_nonce {
        DpopNonce::Off => false,
        DpopNonce::AtIssue | DpopNonce::Always => true,
    }
}
