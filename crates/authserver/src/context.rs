//! What every use case of the authorization server works with.

use std::sync::Arc;

use crypto::NonceKey;
use model::{Id, Server, config::Config};
use net::Fetcher;
use policy::Policies;
use store::Store;
use tokio::sync::Semaphore;
use web::Cookies;

use crate::{
    clients::{Outages, RegisteredClients},
    refusal_sampling::RefusalSampling,
    trust::ProviderKeys,
};

/// The context handed to every use case.
pub(crate) struct Context {
    pub(crate) config: Arc<Config>,
    pub(crate) store: Store,
    pub(crate) policies: Arc<Policies>,
    pub(crate) fetcher: Arc<Fetcher>,
    pub(crate) cookies: Cookies,
    /// Clients that the configuration names.
    pub(crate) registered: RegisteredClients,
    /// Refusals that are not worth a record each.
    pub(crate) refusals: RefusalSampling,
    /// Metadata documents fetched at a time.
    pub(crate) fetches: Semaphore,
    /// Hosts of metadata documents that failed a moment ago.
    pub(crate) outages: Outages,
    /// The keys of identity providers that are trusted.
    pub(crate) provider_keys: ProviderKeys,
    /// Who marks nonces for proofs.
    pub(crate) nonces: NonceKey,
}

impl Context {
    /// The issuer, byte for byte as in the metadata.
    pub(crate) fn issuer(&self) -> &str {
        self.config.public_url.as_str()
    }

    /// What a server is called on pages.
    pub(crate) fn server_title(&self, server: &Id<Server>) -> String {
        let titled = self.config.servers.get(server).and_then(|server| server.title.clone());
        titled.unwrap_or_else(|| server.to_string())
    }
}
