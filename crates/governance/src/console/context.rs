//! What every page of the console works with.

use std::sync::Arc;

use axum::response::Response;
use model::config::Config;
use policy::Policies;
use store::Store;
use web::Cookies;

/// The pages of governance.
pub struct Console {
    pub(super) config: Arc<Config>,
    pub(super) store: Store,
    pub(super) policies: Arc<Policies>,
    pub(super) cookies: Cookies,
}

pub(super) type Shared = Arc<Console>;
/// A page, or the page that says why not.
pub(super) type Answer = Result<Response, Response>;

impl Console {
    /// Over this store.
    pub fn new(config: Arc<Config>, store: Store, policies: Arc<Policies>) -> Arc<Self> {
        let cookies = Cookies::for_url(&config.public_url);
        Arc::new(Self { config, store, policies, cookies })
    }
}
