//! Finds out who acts: at once for a token that was seen under this epoch, otherwise by its signature and the store.

use std::sync::Arc;

use crypto::{AccessTokenError, Digest, Expected, NonceKey, Presented};
use http::Method;
use model::BoundedCache;
use store::Store;

use super::{NoPrincipal, Principal, PrincipalError, binding::Unbound};
use crate::{credential::Credential, protected_server::ProtectedServer};

/// So many tokens are remembered.
const TOKENS: usize = 65_536;

/// Finds out who acts.
#[derive(Debug)]
pub struct Verifier {
    store: Store,
    issuer: String,
    /// Who marks nonces, where proofs have to have one.
    nonces: Option<NonceKey>,
    /// Whose tokens were seen before.
    seen: BoundedCache<Digest, Arc<Principal>>,
}

impl Verifier {
    /// For tokens of `issuer`, with proofs that have to have a nonce of these, if one is given.
    pub fn new(store: Store, issuer: String, nonces: Option<NonceKey>) -> Self {
        Self { store, issuer, nonces, seen: BoundedCache::of(TOKENS) }
    }

    /// Who acts on `server` with this credential, right now, in a request with this method.
    pub async fn principal(
        &self,
        server: &ProtectedServer,
        method: &Method,
        Credential { token, presentation }: Credential,
    ) -> Result<Arc<Principal>, NoPrincipal> {
        self.store.standing_freshness().map_err(|_| PrincipalError::StoreSilent)?;
        let digest = token.digest();
        let unbound = Unbound::of(self.known(server, token, digest).await?);
        unbound.bind((&self.store, self.nonces.as_ref()), (server, method), (digest, presentation)).await
    }

    /// The nonce for the next proof, where proofs have to have one.
    ///
    /// Spec: RFC 9449 §8.2, §9
    pub fn nonce(&self) -> Option<String> {
        self.nonces.as_ref().map(|nonces| nonces.nonce(self.store.now()))
    }

    /// Whose token it is, whoever sent it.
    async fn known(
        &self,
        server: &ProtectedServer,
        presented: Presented,
        digest: Digest,
    ) -> Result<Arc<Principal>, NoPrincipal> {
        let now = self.store.now();
        let epoch = self.store.epoch();
        let holds = |principal: &Arc<Principal>| principal.epoch == epoch && principal.claims.aud == server.resource;
        if let Some(principal) = self.seen.find(&digest).filter(holds) {
            principal.in_time(now)?;
            return Ok(principal);
        }
        let expected = Expected { issuer: &self.issuer, audience: &server.resource };
        let verified = self.store.verify_access(presented, &expected, now).map_err(|error| unusable(&error))?;
        let principal = Arc::new(Principal::establish(&self.store, &server.id, verified).await?);
        // Asking took a while, and the node may have lost its lease meanwhile.
        self.store.standing_freshness().map_err(|_| PrincipalError::StoreSilent)?;
        self.seen.keep(digest, principal.clone());
        Ok(principal)
    }

    /// Was nothing taken away from the principal? At once under an unchanged epoch, otherwise by asking the store
    /// again. Time that ran out takes nothing away from what has begun.
    pub async fn still_stands(&self, principal: &Arc<Principal>) -> Result<Arc<Principal>, NoPrincipal> {
        self.store.standing_freshness().map_err(|_| PrincipalError::StoreSilent)?;
        if principal.epoch == self.store.epoch() {
            return Ok(principal.clone());
        }
        let stands = Principal::stand(&self.store, &principal.grant().server, principal.claims.clone()).await?;
        self.store.standing_freshness().map_err(|_| PrincipalError::StoreSilent)?;
        Ok(Arc::new(Principal { proof: principal.proof.clone(), ..stands }))
    }

    /// The store, whose clock and epoch count.
    pub fn store(&self) -> &Store {
        &self.store
    }
}

fn unusable(error: &AccessTokenError) -> PrincipalError {
    tracing::debug!(event = "token_refused", %error);
    match error {
        AccessTokenError::Expired { .. } => PrincipalError::TokenExpired,
        AccessTokenError::Audience { .. } => PrincipalError::OtherServer,
        _ => PrincipalError::NotIssuedHere,
    }
}
