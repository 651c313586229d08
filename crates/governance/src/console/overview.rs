//! `/console`: what waits for a decision, and what stands.

use askama::Template;
use axum::{extract::State, response::IntoResponse};
use login::FRESH_LOGIN;
use model::Role;
use web::{Page, Place};

use super::{
    Answer, Shared,
    approval::Request,
    gate::{As, Oversees},
    store_failed,
    when::{When, when},
};
use crate::{
    inventory,
    standing::{self, StandingPrivilege},
};

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    csrf: String,
    fresh: bool,
    reads: bool,
    decidable: usize,
    waiting: Vec<Request>,
    live: Vec<Live>,
    standing: StandingPrivilege,
    agents: usize,
    blocks: usize,
    everything_blocked: bool,
}

/// An elevation in force, as the pages show it.
pub struct Live {
    /// Its id.
    pub id: String,
    /// Its scope.
    pub scope: String,
    /// The tier of the scope.
    pub tier: &'static str,
    /// The agent's name.
    pub agent: String,
    /// Calls left of calls allowed.
    pub uses: String,
    /// Its end.
    pub ends: When,
    /// Who said yes.
    pub by: String,
}

impl Live {
    /// From an entry, at `now`.
    pub fn of(entry: &inventory::ElevationEntry, now: model::Timestamp) -> Self {
        let elevation = &entry.elevation;
        Self {
            id: elevation.id.to_string(),
            scope: elevation.scope.to_string(),
            tier: elevation.scope.tier().as_str(),
            agent: entry.agent.id.to_string(),
            uses: format!("{} of {}", elevation.max_uses.saturating_sub(elevation.uses()), elevation.max_uses),
            ends: when(now, elevation.not_after().unwrap_or(now)),
            by: elevation.decided().map(|decided| decided.by.clone()).unwrap_or_default(),
        }
    }
}

/// `GET /console`
pub async fn show(State(console): State<Shared>, visitor: As<Oversees>) -> Answer {
    let (store, who) = (&console.store, &visitor.who);
    let now = store.now();
    let pending = inventory::pending(store).await.map_err(store_failed)?;
    let mut waiting: Vec<Request> =
        pending.iter().map(|entry| Request::of(&console.config, entry, &who.person, now)).collect();
    waiting.sort_by_key(|request| !request.may_approve);
    let live = inventory::live_elevations(store).await.map_err(store_failed)?;
    let blocks = store.blocks();
    let standing_blocks = blocks.iter().filter(|block| block.lifted_at.is_none());
    let content = Overview {
        csrf: who.csrf.text(),
        fresh: who.fresh(now, FRESH_LOGIN).is_ok(),
        reads: who.person.holds(Role::Auditor),
        decidable: waiting.iter().filter(|request| request.may_approve).count(),
        waiting,
        live: live.iter().map(|entry| Live::of(entry, now)).collect(),
        standing: standing::measure(store, &console.config).await.map_err(store_failed)?,
        agents: store.agents().await.map_err(store_failed)?.len(),
        blocks: standing_blocks.clone().count(),
        everything_blocked: standing_blocks.into_iter().any(|block| block.target == model::Target::All),
    };
    Ok(Page::new("Overview", &content).of(who).at(Place::Overview).into_response())
}
