//! `/console/kill-switch`: revoke and restore.

use askama::Template;
use axum::{
    Router,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use model::shown;
use model::{Actor, Target};
use oauth::Form;
use store::{Store, StoreError};
use web::{Page, Place, fault, problem, see_other};

use crate::{
    access::{Administers, As, Posted},
    context::{Answer, Shared},
    failure::refused,
    relative_time::{When, when},
};
use governance::orders;

struct BlockLine {
    kind: &'static str,
    name: String,
    what: String,
    reason: String,
    at: When,
}

/// Where it is.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/console/kill-switch", get(show))
        .route("/console/revoke", post(revoke))
        .route("/console/restore", post(restore))
}

#[derive(Template)]
#[template(path = "kill_switch.html")]
struct KillSwitch {
    csrf: String,
    kinds: Vec<(&'static str, &'static str)>,
    kind: String,
    name: String,
    blocks: Vec<BlockLine>,
}

const KINDS: [(&str, &str); 8] = [
    ("agent", "Agent: one agent, for example nightly-reconciler"),
    ("person", "Person: everything that acts for them, and their sessions"),
    ("client", "Client: every agent that presents this client_id"),
    ("grant", "Grant: one grant, for good"),
    ("installation", "Installation: one login of one copy of a client, for good"),
    ("server", "Server: every call to it"),
    ("tool", "Tool: written server.tool"),
    ("all", "Everything"),
];

/// `GET /console/kill-switch?kind=…&name=…`
pub async fn show(State(console): State<Shared>, visitor: As<Administers>, RawQuery(query): RawQuery) -> Answer {
    let store = &console.store;
    let now = store.now();
    let form = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let blocks = store.blocks();
    let blocks = blocks.iter().filter(|block| block.lifted_at.is_none()).map(|block| BlockLine {
        kind: block.target.kind().as_str(),
        name: block.target.name(),
        what: block.target.to_string(),
        reason: shown(&block.reason, 300),
        at: when(now, block.at),
    });
    let content = KillSwitch {
        csrf: visitor.who.csrf.text(),
        kinds: KINDS.to_vec(),
        kind: form.value("kind").unwrap_or("agent").to_owned(),
        name: form.value("name").unwrap_or_default().to_owned(),
        blocks: blocks.collect(),
    };
    Ok(Page::new("Kill switch", &content).of(&visitor.who).at(Place::KillSwitch).into_response())
}

/// `POST /console/revoke` with `kind`, `name` and `reason`
pub async fn revoke(State(console): State<Shared>, posted: Posted<Administers>) -> Answer {
    let store = &console.store;
    let (target, reason, actor) = turn(&posted)?;
    privilege::block::check_named(&console.config, &target).map_err(refused)?;
    orders::revoke(store, &target, actor, reason).await.map_err(refused)?;
    told_everywhere(store, &target).await?;
    Ok(see_other(match target {
        Target::Grant(_) => "/console/grants",
        _ => "/console/kill-switch",
    }))
}

/// `POST /console/restore` with `kind`, `name` and `reason`
pub async fn restore(State(console): State<Shared>, posted: Posted<Administers>) -> Answer {
    let (target, reason, actor) = turn(&posted)?;
    orders::restore(&console.store, &target, actor, reason).await.map_err(refused)?;
    Ok(see_other("/console/kill-switch"))
}

fn turn(posted: &Posted<Administers>) -> Result<(Target, &str, Actor), Response> {
    let value = |name| posted.form.value(name).unwrap_or_default();
    let (kind, name) = (value("kind"), value("name").trim());
    let target = match name.is_empty() && kind != "all" {
        true => Err("the name is empty, and only “Everything” has none".to_owned()),
        false => Target::parse(kind, name),
    };
    let target = target.map_err(|why| {
        problem(
            StatusCode::BAD_REQUEST,
            "Nothing was changed",
            &crate::failure::sentence(&why),
            "Go back and correct the name.",
            None,
        )
    })?;
    Ok((target, value("reason"), Actor::Person(posted.who.person.id.clone())))
}

/// Waits until every node acts on the change: then “revoked” means revoked.
pub async fn told_everywhere(store: &Store, target: &Target) -> Result<(), Response> {
    match store.wait_until_everywhere().await {
        Ok(()) => Ok(()),
        Err(error @ StoreError::NotEverywhere(_)) => Err(problem(
            StatusCode::ACCEPTED,
            "Done, and not everywhere yet",
            &format!("The change to {target} is in force here and on disk, but {error}."),
            "Reload the page in a moment.",
            None,
        )),
        Err(error) => Err(fault("store_failed", &error)),
    }
}
