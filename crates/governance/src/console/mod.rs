//! The console: server-rendered pages over the same functions that the command line uses.

use std::sync::Arc;

use model::config::Config;
use policy::Policies;
use store::Store;

/// The pages of governance.

pub struct Console {
    config: Arc<Config>,
    store: Store,
    policies: Arc<Policies>,
}

impl Console {
    /// Over this store.
    pub fn new(config: Arc<Config>, store: Store, policies: Arc<Policies>) -> Arc<Self> {
        Arc::new(Self { config, store, policies })
    }

    /// `/console…`, `/me` and `/audit/log/…`.
    pub fn router(self: &Arc<Self>) -> axum::Router {
        axum::Router::new()
    }
}
