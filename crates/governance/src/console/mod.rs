//! The console: server-rendered pages over the same functions that the command line uses.
//!
//! A handler can not forget who may enter: it takes its visitor from [`gate`], whose types carry the
//! right, and a post from there has passed the check against forged forms as well.
//!
//! Next: [`gate`].

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

mod account;
mod agents;
mod approval;
mod audit_log;
mod context;
mod failure;
mod gate;
mod grants;
mod kill_switch;
mod me;
mod mine;
mod overview;
mod paging;
mod people;
mod servers;
mod tiles;
mod when;

pub use context::Console;

impl Console {
    /// `/`, `/console…`, `/me` and `/audit/log/…`.
    pub fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/", get(me::home))
            .route("/console", get(overview::show))
            .route("/console/approvals/{id}", get(approval::show).post(approval::decide))
            .route("/console/elevations/{id}/end", post(approval::end))
            .route("/console/agents", get(agents::list))
            .route("/console/agents/{id}", get(agents::show))
            .route("/console/agents/{id}/state", post(agents::set_state))
            .route("/console/grants", get(grants::list))
            .route("/console/servers", get(servers::list))
            .route("/console/people", get(people::list))
            .route("/console/audit", get(audit_log::list))
            .route("/console/kill-switch", get(kill_switch::show))
            .route("/console/revoke", post(kill_switch::revoke))
            .route("/console/restore", post(kill_switch::restore))
            .route("/me", get(me::show))
            .route("/me/account", get(account::show))
            .route("/me/sessions/end-others", post(account::end_others))
            .route("/me/sessions/{name}/end", post(account::end))
            .route("/me/grants/{id}/revoke", post(me::revoke_grant))
            .route("/me/installations/{id}/end", post(me::end_installation))
            .route("/me/elevations/{id}/end", post(me::end_elevation))
            .route("/audit/log/checkpoint", get(tiles::checkpoint))
            .route("/audit/log/tile/{*path}", get(tiles::tile))
            .with_state(self.clone())
    }
}
