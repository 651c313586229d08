//! The authorization server: who may act, for whom, where, with what, until when.

use std::sync::Arc;

use model::config::Config;
use net::Fetcher;
use policy::Policies;
use store::Store;

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

/// Why the authorization server can not start.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {}

/// The authorization server.
pub struct AuthServer {}

impl AuthServer {
    /// From its parts.
    pub fn new(parts: AuthServerParts) -> Result<Arc<Self>, SetupError> {
        let _ = parts;
        todo!()
    }

    /// Its routes.
    pub fn router(self: &Arc<Self>) -> axum::Router {
        todo!()
    }
}
