//! Whether whoever sent the request may use the token at all: where it is bound to a key, by proving that key for this very request.
//!
//! What is known of a token is kept; a proof is for one request, and is looked at every time. [`Unbound`] gives its principal away
//! only here.
//!
//! Spec: RFC 9449 §7.1 and §7.2; MCP extension dpop-extension.

use std::sync::Arc;

use crypto::{Digest, NonceKey, Proof, ProofError, ProofFor, dpop};
use http::Method;
use store::Store;

use super::{NoPrincipal, Principal, PrincipalError};
use crate::{credential::Presentation, protected_server::ProtectedServer};

/// The token is good, and its grant, agent and person stand. Whether its sender holds the key is not known yet.
pub(super) struct Unbound(Arc<Principal>);

impl Unbound {
    /// Of a principal that was just found out, or was known before.
    pub(super) fn of(principal: Arc<Principal>) -> Self {
        Self(principal)
    }

    /// The principal, for this one request.
    ///
    /// Spec: RFC 9449 §7.1 (a bound token needs its proof), §7.2 (and is no bearer token), §4.3 (12)
    pub(super) async fn bind(
        self,
        (store, nonces): (&Store, Option<&NonceKey>),
        (server, method): (&ProtectedServer, &Method),
        (token, presentation): (Digest, Presentation),
    ) -> Result<Arc<Principal>, NoPrincipal> {
        let refused = |why| NoPrincipal { why, claims: Some(Box::new(self.0.claims.clone())) };
        match (self.0.claims.key(), presentation) {
            (None, Presentation::Bearer) => Ok(self.0),
            (Some(_), Presentation::Bearer) => Err(refused(PrincipalError::KeyNotShown)),
            (None, Presentation::Dpop(_)) => Err(PrincipalError::NotBound.into()),
            (Some(key), Presentation::Dpop(presented)) => {
                let wanted = ProofFor { method: method.as_str(), uri: &server.uri, token: Some(token), nonces };
                let proof = match dpop::verify(&presented, &wanted, store.now()) {
                    Ok(proof) => proof,
                    // Part of the protocol, and no sign of a thief.
                    Err(why @ ProofError::Nonce(_)) => return Err(PrincipalError::Proof(why).into()),
                    Err(why) => return Err(refused(PrincipalError::Proof(why))),
                };
                if proof.thumbprint() != key {
                    return Err(refused(PrincipalError::OtherKey));
                }
                if was_used(store, &proof).await? {
                    return Err(refused(PrincipalError::Proof(ProofError::Replayed)));
                }
                Ok(Arc::new(Principal { proof: Some(proof), ..Principal::clone(&self.0) }))
            }
        }
    }
}

/// Looked up, so that a proof that comes again gets nothing at all. What makes it worth one call is that the record of the call uses it
/// up, in the same transaction.
async fn was_used(store: &Store, proof: &Proof) -> Result<bool, PrincipalError> {
    store.is_proof_used(proof, store.now()).await.map_err(|error| {
        store.failed("store_failed", &error);
        PrincipalError::StoreSilent
    })
}
