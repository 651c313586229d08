//! Who sits at the browser: logging in and out, and setting a password, through an enrolment link or with the one before.
//!
//! Each way to prove who one is has its file; all end in a session, whose cookie [`signed_in`] turns back into a person.
//!
//! Spec: RFC 9700 §4.11 and §4.12, OWASP authentication, OWASP session management.
//!
//! Next: `http` lists the pages.

mod change_password;
mod context;
mod enrolment;
mod error;
mod http;
mod known_device;
mod log_in;
mod new_password;
mod password;
mod password_queue;
mod paths;
mod refusal_sampling;
mod session;
mod session_cookie;
mod throttle;

use std::sync::Arc;

use context::Context;
use model::config::Config;
pub use session::{FRESH_LOGIN, SignedIn, StaleLogin, signed_in};
use store::Store;

/// The pages by which people come in.
pub struct Login {
    context: Arc<Context>,
}

impl Login {
    /// For the people in `store`.
    pub fn new(config: Arc<Config>, store: Store) -> Arc<Self> {
        Arc::new(Self { context: Arc::new(Context::new(config, store)) })
    }

    /// Its routes: `/login`, `/logout`, `/enrol` and `/me/password`.
    pub fn router(&self) -> axum::Router {
        http::router(self.context.clone())
    }

    /// Records the refusals that were only counted and whose minute is over; all of them, when it is the `last` time.
    pub async fn write_counted(&self, last: bool) {
        self.context.refusals.write_down(&self.context.store, last).await;
    }
}
