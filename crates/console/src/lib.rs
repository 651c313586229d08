//! The console: server-rendered pages over the same functions that the command line uses.
//!
//! A handler can not forget who may enter: it takes its visitor from [`access`], whose types carry the
//! right, and a post from there has passed the check against forged forms as well.
//!
//! Next: [`access`].

// A refusal is a page, and every page is a `Response`.
#![allow(clippy::result_large_err)]

use std::sync::Arc;

use axum::Router;
use context::Shared;

mod access;
mod account;
mod agents;
mod approval;
mod asked;
mod audit_log;
mod context;
mod definitions;
mod duty;
mod exceptions;
mod failure;
mod grants;
mod kill_switch;
mod me;
mod mine;
mod my_agent;
mod overview;
mod paging;
mod people;
mod relative_time;
mod servers;
mod task_line;
mod tasks;
mod tiles;
mod why;

pub use context::Console;

/// Every page: one file each, with its routes and its template.
const PAGES: &[fn() -> Router<Shared>] = &[
    account::routes,
    agents::routes,
    approval::routes,
    asked::routes,
    audit_log::routes,
    definitions::routes,
    duty::routes,
    exceptions::routes,
    grants::routes,
    kill_switch::routes,
    me::routes,
    my_agent::routes,
    overview::routes,
    people::routes,
    servers::routes,
    tasks::routes,
    tiles::routes,
    why::routes,
];

impl Console {
    /// `/`, `/console…`, `/me` and `/audit/log/…`.
    pub fn router(self: &Arc<Self>) -> Router {
        PAGES.iter().fold(Router::new(), |router, routes| router.merge(routes())).with_state(self.clone())
    }
}
