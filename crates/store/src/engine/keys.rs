//! What a store keeps secret, and who reaches it: two names, each for the crate that has a use for it.
//!
//! A handle to the store alone signs nothing and opens nothing. `cargo xtask tidy` finds these names anywhere but in their
//! crates.
//!
//! Spec: docs/decisions/0028-handles-that-limit.md.

use std::sync::Arc;

use crypto::{KeyError, KeyRing, MasterKey};
use model::AccessClaims;

use crate::engine::store::Store;

/// Signs access tokens. For the authorization server alone.
#[derive(Debug)]
pub struct AccessSigner(Arc<KeyRing>);

impl AccessSigner {
    /// With the keys as they are now.
    pub fn of(store: &Store) -> Self {
        Self(store.keys())
    }

    /// Signs an access token, with the key of the moment at which it is issued.
    ///
    /// # Errors
    /// [`KeyError::Sign`], or [`KeyError::NoSigningKey`] when none is there at that moment.
    pub fn sign(&self, claims: &AccessClaims) -> Result<String, KeyError> {
        self.0.sign_access(claims)
    }
}

/// Seals and opens what leaves and comes back, and derives what has to be the same on every node.
///
/// For the authorization server, and for the gateway, which takes a key of its own out of it and keeps no other.
#[derive(Clone, Copy, Debug)]
pub struct Vault<'s>(&'s MasterKey);

impl<'s> Vault<'s> {
    /// Of this installation.
    pub fn of(store: &'s Store) -> Self {
        Self(store.master())
    }

    /// The key under which secrets are sealed.
    pub fn master(self) -> &'s MasterKey {
        self.0
    }

    /// A key for one purpose, which says nothing about the others.
    pub fn derive(self, purpose: &str) -> MasterKey {
        self.0.derive(purpose)
    }
}
