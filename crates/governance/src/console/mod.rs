//! The console: server-rendered pages over the same functions that the command line uses.
//!
//! A handler can not forget who may enter: it takes its visitor from [`gate`], whose types carry the
//! right, and a post from there has passed the check against forged forms as well.
//!
//! Next: [`gate`].

use std::sync::Arc;

use axum::{
    Router,
    response::Response,
    routing::{get, post},
};
use http::StatusCode;
use model::config::Config;
use policy::Policies;
use store::{Store, StoreError};
use web::{Cookies, fault, problem};

use privilege::Refused;

mod account;
mod agents;
mod approval;
mod audit_log;
mod gate;
mod grants;
mod kill_switch;
mod me;
mod mine;
mod overview;
mod people;
mod servers;
mod tiles;
mod when;

/// The pages of governance.
pub struct Console {
    config: Arc<Config>,
    store: Store,
    policies: Arc<Policies>,
    cookies: Cookies,
}

type Shared = Arc<Console>;
/// A page, or the page that says why not.
type Answer = Result<Response, Response>;

impl Console {
    /// Over this store.
    pub fn new(config: Arc<Config>, store: Store, policies: Arc<Policies>) -> Arc<Self> {
        let cookies = Cookies::for_url(&config.public_url);
        Arc::new(Self { config, store, policies, cookies })
    }

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

fn store_failed(error: StoreError) -> Response {
    fault("store_failed", &error)
}

fn not_found(what: &str, name: &str) -> Response {
    problem(
        StatusCode::NOT_FOUND,
        &format!("No such {what}"),
        &format!("There is no {what} called “{}”.", model::shown(name, 80)),
        "Check the address, or go back to the list.",
        None,
    )
}

fn forbidden(happened: &str, to_do: &str) -> Response {
    problem(StatusCode::FORBIDDEN, "Not yours to open", happened, to_do, None)
}

/// The page for a refusal: a cause that a person can act on, or an incident.
fn refused(error: Refused) -> Response {
    use Refused as E;
    let (status, title) = match error {
        E::Store(error) => return store_failed(error),
        E::Duty(_) => (StatusCode::FORBIDDEN, "This decision is not yours"),
        E::UnknownElevation(_) | E::UnknownName { .. } => (StatusCode::NOT_FOUND, "There is no such thing"),
        E::NotShorter { .. } | E::NoReason => (StatusCode::BAD_REQUEST, "That does not work"),
        E::AlreadyDecided { .. }
        | E::Lapsed(_)
        | E::AlreadyOver(_)
        | E::GrantEnded(_)
        | E::AgentNotActive { .. }
        | E::Blocked(_)
        | E::NotRevoked { .. }
        | E::GrantIsFinal
        | E::InstallationEnded(_)
        | E::InstallationIsFinal
        | E::Retired(_)
        | E::ClockIsRight { .. }
        | E::PersonExists(_)
        | E::PersonStopped(_)
        | E::KeyReplaced { .. }
        | E::Unchanged { .. } => (StatusCode::CONFLICT, "Nothing was changed"),
    };
    let text = error.to_string();
    let (happened, to_do) = text.split_once("; ").unwrap_or((&text, "go back and look at where things stand now"));
    problem(status, title, &sentence(happened), &sentence(to_do), None)
}

/// A message of ours as a sentence on a page: a capital, a full stop, and quotes instead of backticks.
fn sentence(text: &str) -> String {
    let mut open = false;
    let mut said: String = text
        .chars()
        .map(|c| {
            open ^= c == '`';
            match c {
                '`' if open => '“',
                '`' => '”',
                other => other,
            }
        })
        .collect();
    if let Some(first) = said.get(..1) {
        said = first.to_uppercase() + &said[1..];
    }
    said + "."
}
