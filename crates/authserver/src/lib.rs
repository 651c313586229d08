//! The authorization server: who may act, for whom, where, with what, until when.
//!
//! A person's browser comes through [`authorize`], a client through [`token_endpoint`]. Both judge what is asked
//! against the rules and against policy (`scopes`), open elevations (`privilege::elevation`), and end in one transaction that
//! carries its record. Which documents we follow is in the module docs; what is advertised is computed in `metadata`.
//!
//! Spec: OAuth 2.1 (draft-ietf-oauth-v2-1), RFC 6749, RFC 7636, RFC 8707, RFC 9207; MCP 2026-07-28 basic/authorization.
//!
//! Next: `http` lists the routes.

mod authorize;
mod client_auth;
mod clients;
mod completion;
mod context;
mod error;
mod grants;
mod http;
mod issue;
mod liveness;
mod metadata;
mod network;
mod newcomer;
mod paths;
mod refusal_sampling;
mod resource;
mod revocation;
mod scopes;
mod sender_constraint;
mod step_up;
mod task;
mod token_endpoint;
mod trust;

use std::sync::Arc;

pub use clients::SetupError;
use clients::{Outages, RegisteredClients};
use context::Context;
use crypto::NonceKey;
use model::config::Config;
use net::Fetcher;
use policy::Policies;
use refusal_sampling::RefusalSampling;
use store::{Store, secrets::Vault};
use tokio::sync::Semaphore;
use trust::ProviderKeys;
use web::Cookies;

/// What the authorization server is made of.
pub struct AuthServerParts {
    /// The configuration.
    pub config: Arc<Config>,
    /// The door to the disk.
    pub store: Store,
    /// The policies that decide what may be issued.
    pub policies: Arc<Policies>,
    /// Reads client metadata documents.
    pub fetcher: Arc<Fetcher>,
}

/// The authorization server.
pub struct AuthServer {
    cx: Arc<Context>,
}

impl AuthServer {
    /// From its parts; refuses clients in the configuration that could never work.
    pub fn new(parts: AuthServerParts) -> Result<Arc<Self>, SetupError> {
        let AuthServerParts { config, store, policies, fetcher } = parts;
        let cx = Context {
            registered: RegisteredClients::of(&config)?,
            cookies: Cookies::for_url(&config.public_url),
            refusals: RefusalSampling::default(),
            fetches: Semaphore::new(FETCHES_AT_A_TIME),
            outages: Outages::default(),
            provider_keys: ProviderKeys::of_config(&config.trusted_idps)
                .map_err(|(idp, why)| SetupError::ProviderKeys { idp, why })?,
            nonces: NonceKey::of(Vault::of(&store).master()),
            config,
            store,
            policies,
            fetcher,
        };
        Ok(Arc::new(Self { cx: Arc::new(cx) }))
    }

    /// Records the refusals that were only counted and whose minute is over; all of them, when it is the `last` time.
    pub async fn write_counted(&self, last: bool) {
        self.cx.refusals.write_down(&self.cx.store, last).await;
    }

    /// Its routes: the metadata, `/oauth/…` and `/me/step-up`.
    pub fn router(self: &Arc<Self>) -> axum::Router {
        http::router(self.cx.clone())
    }
}

const FETCHES_AT_A_TIME: usize = 8;
