//! Identity providers whose word about people counts, and who somebody is by it.
//!
//! An account is linked by provider, tenant and subject, as the configuration says it (`people.NAME.identities`); never by an
//! address of mail, which a provider may give to somebody else.
//!
//! Spec: draft-ietf-oauth-identity-assertion-authz-grant §3.1 and §4.4.1; MCP extension enterprise-managed-authorization §7.

mod provider_keys;

use std::sync::Arc;

use crypto::PublicKeys;
use model::{
    Id, Person,
    config::{Config, TrustedIdp},
};
use net::FetchError;

pub(crate) use provider_keys::ProviderKeys;

use crate::context::Context;

/// A provider that is trusted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Provider<'c> {
    /// What the operator calls it.
    pub(crate) name: &'c str,
    declared: &'c TrustedIdp,
}

impl<'c> Provider<'c> {
    /// Those whose assertions name this issuer: several, where each tenant is trusted by itself.
    pub(crate) fn of_issuer(config: &'c Config, issuer: &str) -> impl Iterator<Item = Self> {
        let issuer = issuer.to_owned();
        let named = config.trusted_idps.iter().filter(move |(_, declared)| declared.issuer == issuer);
        named.map(|(name, declared)| Self { name, declared })
    }

    pub(crate) fn issuer(self) -> &'c str {
        &self.declared.issuer
    }

    /// Does what it says of this tenant count?
    pub(crate) fn trusts_tenant(self, tenant: Option<&str>) -> bool {
        match (&self.declared.tenant, tenant) {
            (None, None) => true,
            (Some(declared), Some(tenant)) => declared == tenant,
            // Subjects of one tenant say nothing of those of another.
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    /// Its keys; `anew` when those that are known do not fit.
    ///
    /// # Errors
    /// They can not be had.
    pub(crate) async fn keys(self, cx: &Context, anew: bool) -> Result<Arc<PublicKeys>, FetchError> {
        cx.provider_keys.of(&cx.fetcher, (self.name, self.declared), cx.store.now(), anew).await
    }

    /// Who that is here.
    pub(crate) fn person(self, config: &'c Config, subject: &str) -> Option<&'c Id<Person>> {
        let is_it = |identity: Option<&String>| identity.is_some_and(|identity| identity == subject);
        config.people.iter().find(|(_, person)| is_it(person.identities.get(self.name))).map(|(id, _)| id)
    }
}
