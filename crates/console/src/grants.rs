//! `/console/grants`: what stands, on whose word, until when.

use askama::Template;
use axum::{
    Router,
    extract::{RawQuery, State},
    response::IntoResponse,
    routing::get,
};
use model::{Grant, Role, Timestamp};
use store::After;
use web::{Page, Place};

use crate::{
    access::{As, Reads},
    context::{Answer, Shared},
    failure::store_failed,
    paging::{self, ON_A_PAGE},
    relative_time::{When, when},
};
use governance::{
    inventory::{self, GrantEntry},
    standing::{self, StandingPrivilege},
};

/// Where it is.
pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/console/grants", get(list))
}

/// A grant as a row.
pub struct GrantLine {
    /// Its id.
    pub id: String,
    /// The agent that holds it.
    pub agent: String,
    /// For whom it acts; `itself` when nobody.
    pub person: String,
    /// Where.
    pub server: String,
    /// What, standing.
    pub scopes: String,
    /// Scopes of the elevations in force, with their tier.
    pub elevations: Vec<(String, &'static str)>,
    /// Since when.
    pub since: When,
    /// Until when.
    pub until: When,
}

impl GrantLine {
    /// From an entry, at `now`.
    pub fn of(entry: &GrantEntry, now: Timestamp) -> Self {
        let grant = &entry.grant;
        Self {
            id: grant.id.to_string(),
            agent: grant.agent.to_string(),
            person: grant.person.as_ref().map_or_else(|| "itself".to_owned(), ToString::to_string),
            server: grant.server.to_string(),
            scopes: grant.scopes.to_string(),
            elevations: entry.elevations.iter().map(|e| (e.scope.to_string(), e.scope.tier().as_str())).collect(),
            since: when(now, grant.created_at),
            until: when(now, grant.not_after),
        }
    }
}

#[derive(Template)]
#[template(path = "grants.html")]
struct Grants {
    administers: bool,
    standing: StandingPrivilege,
    grants: Vec<GrantLine>,
    next: Option<String>,
}

/// `GET /console/grants?after=…`
pub async fn list(State(console): State<Shared>, visitor: As<Reads>, RawQuery(query): RawQuery) -> Answer {
    let (store, who) = (&console.store, &visitor.who);
    let now = store.now();
    let after: Option<After<Grant>> = paging::after(query.as_deref(), "after")?;
    let page = inventory::grants(store, after.as_ref(), ON_A_PAGE).await.map_err(store_failed)?;
    let content = Grants {
        administers: who.person.holds(Role::Admin),
        standing: standing::measure(store, &console.config).await.map_err(store_failed)?,
        grants: page.items.iter().map(|entry| GrantLine::of(entry, now)).collect(),
        next: paging::next("/console/grants", "after", page.next),
    };
    Ok(Page::new("Grants", &content).of(who).at(Place::Grants).into_response())
}
