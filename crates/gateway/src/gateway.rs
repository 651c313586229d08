//! What a gateway is made of, and what it keeps from one request to the next.
//!
//! Next: `http`, which has its face, and `pipeline`, which has its order.

use std::{collections::HashMap, sync::Arc};

use crypto::NonceKey;
use model::config::{Config, DpopNonce};
use policy::Policies;
use store::{Store, secrets::Vault};
use web::HostGuard;

use crate::{
    origin::Origins,
    principal::Verifier,
    protected_server::{ProtectedServer, SetupError},
    quota::Quotas,
    refusal::sampling::RefusalSampling,
    sealed::seals::Seals,
};

/// What a gateway is made of.
#[derive(Debug)]
pub struct GatewayParts {
    /// The configuration.
    pub config: Arc<Config>,
    /// The shared state.
    pub store: Store,
    /// The policies.
    pub policies: Arc<Policies>,
}

/// The enforcement point in front of every protected server.
#[derive(Debug)]
pub struct Gateway {
    pub(crate) config: Arc<Config>,
    pub(crate) host_guard: HostGuard,
    pub(crate) origins: Origins,
    pub(crate) servers: HashMap<String, Arc<ProtectedServer>>,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) seals: Arc<Seals>,
    pub(crate) quotas: Quotas,
    pub(crate) refusals: RefusalSampling,
    pub(crate) policies: Arc<Policies>,
    pub(crate) store: Store,
}

impl Gateway {
    /// Asks every server what it offers, one after the other.
    pub async fn list_servers(&self) {
        for server in self.servers.values().filter(|server| server.definitions.are_pinned()) {
            // It has said in the log what is wrong.
            let _ = server.definitions.ask().await;
        }
    }

    /// Sets it up.
    ///
    /// # Errors
    /// When a server's certificate file, headers or time can not be used.
    pub fn new(parts: GatewayParts) -> Result<Arc<Self>, SetupError> {
        let GatewayParts { config, store, policies } = parts;
        let server = |(id, server)| {
            Ok((format!("{id}"), Arc::new(ProtectedServer::new(&store, id, server, (&config, &policies))?)))
        };
        let nonces = match config.tokens.dpop_nonce {
            DpopNonce::Off | DpopNonce::AtIssue => None,
            DpopNonce::Always => Some(NonceKey::of(Vault::of(&store).master())),
        };
        Ok(Arc::new(Self {
            host_guard: HostGuard::of(&config),
            origins: Origins::of(&config),
            servers: config.servers.iter().map(server).collect::<Result<_, SetupError>>()?,
            verifier: Arc::new(Verifier::new(store.clone(), config.public_url.as_str().to_owned(), nonces)),
            seals: Arc::new(Seals::new(Vault::of(&store).master())),
            quotas: Quotas::of(config.limits.per_grant),
            refusals: RefusalSampling::new(),
            config,
            policies,
            store,
        }))
    }
}
