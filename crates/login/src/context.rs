//! What every page here works with.

use std::sync::{Arc, Mutex};

use model::config::Config;
use store::Store;
use web::Cookies;

use crate::{password_queue::PasswordQueue, refusal_sampling::RefusalSampling, throttle::Throttle};

/// The context handed to every use case.
pub(crate) struct Context {
    pub(crate) config: Arc<Config>,
    pub(crate) store: Store,
    pub(crate) cookies: Cookies,
    /// How many passwords are checked at a time.
    pub(crate) queue: PasswordQueue,
    /// Who has to wait before the next try.
    pub(crate) throttle: Mutex<Throttle>,
    /// Wrong passwords that are not worth a record each.
    pub(crate) refusals: RefusalSampling,
}

impl Context {
    /// For the people in `store`.
    pub(crate) fn new(config: Arc<Config>, store: Store) -> Self {
        Self {
            cookies: Cookies::for_url(&config.public_url),
            queue: PasswordQueue::default(),
            throttle: Mutex::default(),
            refusals: RefusalSampling::default(),
            config,
            store,
        }
    }
}
