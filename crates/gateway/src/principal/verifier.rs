//! Finds out who acts: at once for a token that was seen under this epoch, otherwise by its signature and the store.

use std::sync::Arc;

use crypto::{AccessTokenError, Digest, Expected, Presented};
use model::BoundedCache;
use store::Store;

use super::{NoPrincipal, Principal, PrincipalError};
use crate::protected_server::ProtectedServer;

/// So many tokens are remembered.
const TOKENS: usize = 65_536;

/// Finds out who acts.
#[derive(Debug)]
pub struct Verifier {
    store: Store,
    issuer: String,
    /// Whose tokens were seen before.
    seen: BoundedCache<Digest, Arc<Principal>>,
}

impl Verifier {
    /// For tokens of `issuer`.
    pub fn new(store: Store, issuer: String) -> Self {
        Self { store, issuer, seen: BoundedCache::of(TOKENS) }
    }

    /// Who acts on `server` with this token, right now.
    pub async fn principal(
        &self,
        server: &ProtectedServer,
        presented: Presented,
    ) -> Result<Arc<Principal>, NoPrincipal> {
        self.store.standing_freshness().map_err(|_| PrincipalError::StoreSilent)?;
        let digest = presented.digest();
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
        let principal =
            Principal::stand(&self.store, &principal.grant().server, principal.claims.clone()).await.map(Arc::new)?;
        self.store.standing_freshness().map_err(|_| PrincipalError::StoreSilent)?;
        Ok(principal)
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
