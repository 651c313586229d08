//! `/console`: what waits for a decision, and what stands.

use askama::Template;
use axum::{
    Router,
    extract::{RawQuery, State},
    response::IntoResponse,
    routing::get,
};
use login::FRESH_LOGIN;
use model::{Elevation, Role};
use privilege::duty::stand_ins;
use store::{After, ElevationEntry, Page};
use web::Place;

use crate::{
    access::{As, Oversees},
    approval::Request,
    context::{Answer, Shared},
    failure::store_failed,
    paging::{self, ON_A_PAGE},
    relative_time::{When, long, when},
};
use governance::{
    deciding,
    standing::{self, StandingPrivilege},
};

/// Where it is.
pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/console", get(show))
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    csrf: String,
    fresh: bool,
    reads: bool,
    decidable: usize,
    /// Of them all: this many wait.
    all_waiting: u64,
    waiting: Vec<Request>,
    more_waiting: Option<String>,
    live: Vec<Live>,
    more_live: Option<String>,
    standing: StandingPrivilege,
    /// Decisions of the last thirty days: how many, of a hundred so many a yes, and how long half of them took at most.
    decisions: Option<(u64, u64, String)>,
    agents: u64,
    blocks: usize,
    everything_blocked: bool,
    /// Definitions that are held.
    held: u64,
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
    /// The task that it belongs to.
    pub task: Option<String>,
}

impl Live {
    /// From an entry, at `now`.
    pub fn of(entry: &ElevationEntry, now: model::Timestamp) -> Self {
        let elevation = &entry.elevation;
        Self {
            id: elevation.id.to_string(),
            scope: elevation.scope.to_string(),
            tier: elevation.scope.tier().as_str(),
            agent: entry.agent.id.to_string(),
            uses: format!("{} of {}", elevation.max_uses.saturating_sub(elevation.uses()), elevation.max_uses),
            ends: when(now, elevation.not_after().unwrap_or(now)),
            by: by(elevation),
            task: elevation.ends_with.task.as_ref().map(ToString::to_string),
        }
    }
}

/// Who said yes: all of them.
fn by(elevation: &Elevation) -> String {
    match elevation.quorum.given.as_slice() {
        [] => elevation.decided().map(|decided| decided.by.clone()).unwrap_or_default(),
        given => given.iter().map(|yes| yes.by.as_str()).collect::<Vec<_>>().join(", "),
    }
}

/// `GET /console?waiting=…&live=…`
pub async fn show(State(console): State<Shared>, visitor: As<Oversees>, RawQuery(query): RawQuery) -> Answer {
    let (store, who) = (&console.store, &visitor.who);
    let now = store.now();
    let after: Option<After<Elevation>> = paging::after(query.as_deref(), "waiting")?;
    let Page { items: pending, next: more_waiting } =
        store.pending_entries(now, after.as_ref(), ON_A_PAGE).await.map_err(store_failed)?;
    let stand_ins = stand_ins(store, &who.person.id).await.map_err(store_failed)?;
    let mut waiting: Vec<Request> = pending
        .iter()
        .map(|entry| Request::of((&console.config, &console.policies), entry, (&who.person, &stand_ins), now))
        .collect();
    // What is routed to others is in nobody's way. Who oversees everything sees it all the same.
    waiting.retain(|request| !request.is_for_others || who.person.holds(Role::Auditor));
    waiting.sort_by_key(|request| !request.may_approve);
    let after: Option<After<Elevation>> = paging::after(query.as_deref(), "live")?;
    let Page { items: live, next: more_live } =
        store.live_elevation_entries(now, after.as_ref(), ON_A_PAGE).await.map_err(store_failed)?;
    let blocks = store.blocks();
    let standing_blocks = blocks.iter().filter(|block| block.lifted_at.is_none());
    let content = Overview {
        csrf: who.csrf.text(),
        fresh: who.fresh(now, FRESH_LOGIN).is_ok(),
        reads: who.person.holds(Role::Auditor),
        decidable: waiting.iter().filter(|request| request.may_approve).count(),
        all_waiting: store.count_pending(now).await.map_err(store_failed)?,
        waiting,
        more_waiting: paging::next("/console", "waiting", more_waiting),
        more_live: paging::next("/console", "live", more_live),
        live: live.iter().map(|entry| Live::of(entry, now)).collect(),
        decisions: decisions(store).await?,
        standing: standing::measure(store, &console.config).await.map_err(store_failed)?,
        agents: store.count_agents().await.map_err(store_failed)?,
        blocks: standing_blocks.clone().count(),
        held: store.count_held_definitions().await.map_err(store_failed)?,
        everything_blocked: standing_blocks.into_iter().any(|block| block.target == model::Target::All),
    };
    Ok(web::Page::new("Overview", &content).of(who).at(Place::Overview).into_response())
}

async fn decisions(store: &store::Store) -> Result<Option<(u64, u64, String)>, axum::response::Response> {
    let counted = deciding::measure(store).await.map_err(store_failed)?;
    let (yes, took) = (counted.approved_of_hundred(), counted.median);
    Ok(yes.zip(took).map(|(yes, took)| (counted.approved + counted.denied, yes, long(took))))
}
