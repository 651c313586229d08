//! `/console/servers`: what is protected, by which rules.

use askama::Template;
use axum::{Router, extract::State, response::IntoResponse, routing::get};
use model::{Role, Target};
use web::{Page, Place};

use crate::{
    access::{As, Reads},
    context::{Answer, Shared},
    failure::store_failed,
};
use governance::inventory::standing_block;

struct ServerCard {
    name: String,
    title: String,
    resource: String,
    upstream: String,
    rules: Vec<(String, &'static str)>,
    blocked: bool,
}

/// Where it is.
pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/console/servers", get(list))
}

#[derive(Template)]
#[template(path = "servers.html")]
struct Servers {
    administers: bool,
    servers: Vec<ServerCard>,
    /// Definitions that are held.
    held: u64,
    policies: Vec<String>,
    fingerprint: String,
}

/// `GET /console/servers`
pub async fn list(State(console): State<Shared>, visitor: As<Reads>) -> Answer {
    let config = &console.config;
    let servers = config.servers.iter().map(|(name, server)| ServerCard {
        name: name.to_string(),
        title: server.title.clone().unwrap_or_else(|| name.to_string()),
        resource: config.public_url.resource(name),
        upstream: server.url.to_string(),
        rules: server.tools.iter().map(|(pattern, tier)| (pattern.as_str().to_owned(), tier.as_str())).collect(),
        blocked: standing_block(&console.store, &Target::Server(name.clone())).is_some(),
    });
    let content = Servers {
        administers: visitor.who.person.holds(Role::Admin),
        servers: servers.collect(),
        held: console.store.count_held_definitions().await.map_err(store_failed)?,
        policies: console.policies.texts().iter().map(|file| file.name.clone()).collect(),
        fingerprint: console.policies.fingerprint().to_owned(),
    };
    Ok(Page::new("Servers", &content).of(&visitor.who).at(Place::Servers).into_response())
}
