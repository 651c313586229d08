//! `/console/agents` and `/console/agents/{id}`: who acts here, whose it is, and what for.

use askama::Template;
use axum::{
    Router,
    extract::{Path, RawQuery, State},
    response::IntoResponse,
    routing::{get, post},
};
use model::shown;
use model::{Actor, Agent, AgentState, Grant, Id, Role, Target};
use web::{Page, Place, see_other};

use crate::{
    access::{Administers, As, Posted, Reads},
    audit_log::Line,
    context::{Answer, Shared},
    exceptions::ExceptionLine,
    failure::{not_found, refused, store_failed},
    grants::GrantLine,
    kill_switch::told_everywhere,
    overview::Live,
    paging::{self, ON_A_PAGE},
    relative_time::{When, when},
    task_line::TaskLine,
};
use governance::{
    audit_query, inventory, orders,
    standing::{self, AboveLow},
};

/// Where it is.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/console/agents", get(list))
        .route("/console/agents/{id}", get(show))
        .route("/console/agents/{id}/state", post(set_state))
        .route("/console/agents/{id}/standing", post(set_standing))
}

/// An agent as a row.
pub struct AgentLine {
    /// Its name.
    pub id: String,
    /// What it calls itself.
    pub title: String,
    /// Whose it is.
    pub owner: String,
    /// Why it exists.
    pub purpose: String,
    /// `delegated` or `autonomous`.
    pub kind: &'static str,
    /// The client it presents.
    pub client: String,
    /// How well the client is known.
    pub assurance: &'static str,
    /// Its state; `blocked` while the kill switch is on it.
    pub state: &'static str,
    /// Servers it holds a grant for.
    pub servers: String,
    /// Its last call.
    pub used: Option<When>,
    /// First seen.
    pub since: When,
}

impl AgentLine {
    /// From an entry, at `now`.
    pub fn of(entry: &inventory::AgentEntry, now: model::Timestamp) -> Self {
        let agent = &entry.agent;
        let servers: Vec<&str> = entry.grants.iter().map(|grant| grant.server.as_str()).collect();
        Self {
            id: agent.id.to_string(),
            title: shown(&agent.title, 64),
            owner: agent.owner.to_string(),
            purpose: shown(&agent.purpose, 300),
            kind: agent.kind.as_str(),
            client: agent.client.to_string(),
            assurance: agent.assurance.as_str(),
            state: if entry.block.is_some() { "blocked" } else { agent.state.as_str() },
            servers: servers.join(", "),
            used: entry.last_used.map(|at| when(now, at)),
            since: when(now, agent.created_at),
        }
    }
}

#[derive(Template)]
#[template(path = "agents.html")]
struct Agents {
    agents: Vec<AgentLine>,
    next: Option<String>,
}

/// `GET /console/agents?after=…`
pub async fn list(State(console): State<Shared>, visitor: As<Reads>, RawQuery(query): RawQuery) -> Answer {
    let now = console.store.now();
    let after: Option<Id<Agent>> = paging::after(query.as_deref(), "after")?;
    let page = inventory::agents(&console.store, after.as_ref(), ON_A_PAGE).await.map_err(store_failed)?;
    let agents = page.items.iter().map(|entry| AgentLine::of(entry, now)).collect();
    let content = Agents { agents, next: paging::next("/console/agents", "after", page.next) };
    Ok(Page::new("Agents", &content).of(&visitor.who).at(Place::Agents).into_response())
}

#[derive(Template)]
#[template(path = "agent.html")]
struct OneAgent {
    csrf: String,
    administers: bool,
    agent: AgentLine,
    /// The block on it: what it covers, and why.
    block: Option<(Target, String)>,
    grants: Vec<GrantLine>,
    live: Vec<Live>,
    sponsor: Option<String>,
    eligible_only: bool,
    /// What stands above the low tier.
    above_low: AboveLow,
    tasks: Vec<TaskLine>,
    /// What policies it is spared, and by whose word.
    exceptions: Vec<ExceptionLine>,
    records: Vec<Line>,
}

/// `GET /console/agents/{id}`
pub async fn show(State(console): State<Shared>, visitor: As<Reads>, Path(id): Path<String>) -> Answer {
    let (store, who) = (&console.store, &visitor.who);
    let now = store.now();
    let unknown = || not_found("agent", &id);
    let name: Id<Agent> = id.parse().map_err(|_| unknown())?;
    let entry = inventory::agent(store, &name).await.map_err(store_failed)?.ok_or_else(unknown)?;
    let grants = inventory::grants_of(store, &name).await.map_err(store_failed)?;
    let live = store.live_elevation_entries_of(&name, now).await.map_err(store_failed)?;
    let tasks = store.tasks_of_agent_page(&name, None, TASKS).await.map_err(store_failed)?.items;
    let exceptions = store.standing_exceptions_of(&name).await.map_err(store_failed)?;
    let records = audit_query::latest_of_agent(store, &name, RECORDS).await.map_err(store_failed)?;
    let held: Vec<Grant> = grants.iter().map(|entry| entry.grant.clone()).collect();
    let above_low = standing::above_low((store, &console.config, &console.policies), &entry.agent, &held);
    let content = OneAgent {
        csrf: who.csrf.text(),
        administers: who.person.holds(Role::Admin),
        agent: AgentLine::of(&entry, now),
        block: entry.block.as_ref().map(|block| (block.target.clone(), shown(&block.reason, 300))),
        grants: grants.iter().map(|entry| GrantLine::of(entry, now)).collect(),
        live: live.iter().map(|entry| Live::of(entry, now)).collect(),
        sponsor: entry.agent.sponsor.as_ref().map(ToString::to_string),
        eligible_only: entry.agent.eligible_only,
        above_low,
        tasks: tasks.iter().map(|task| TaskLine::of(task, now)).collect(),
        exceptions: exceptions.iter().map(|exception| ExceptionLine::of(exception, now)).collect(),
        records: records.iter().map(|record| Line::of(record, now)).collect(),
    };
    Ok(Page::new(&id, &content).of(who).at(Place::Agents).into_response())
}

/// `POST /console/agents/{id}/standing` with `eligible_only=true|false`
pub async fn set_standing(
    State(console): State<Shared>,
    Path(id): Path<String>,
    posted: Posted<Administers>,
) -> Answer {
    let agent: Id<Agent> = id.parse().map_err(|_| not_found("agent", &id))?;
    let eligible_only = match posted.form.value("eligible_only") {
        Some("true") => true,
        Some("false") => false,
        _ => {
            let why = "The form did not say whether anything shall stand.";
            return Err(web::problem(
                http::StatusCode::BAD_REQUEST,
                "Nothing was said",
                why,
                "Open the agent again.",
                None,
            ));
        }
    };
    let actor = Actor::Person(posted.who.person.id.clone());
    orders::set_eligible_only(&console.store, &agent, eligible_only, actor).await.map_err(refused)?;
    told_everywhere(&console.store, &Target::Agent(agent)).await?;
    Ok(see_other(&format!("/console/agents/{id}")))
}

/// Tasks on the page of an agent, the newest.
const TASKS: u32 = 10;
/// Records on the page of an agent.
const RECORDS: usize = 25;

/// `POST /console/agents/{id}/state` with `state=active|suspended|retired`
pub async fn set_state(State(console): State<Shared>, Path(id): Path<String>, posted: Posted<Administers>) -> Answer {
    let store = &console.store;
    let agent: Id<Agent> = id.parse().map_err(|_| not_found("agent", &id))?;
    let state: AgentState = posted.form.value("state").unwrap_or_default().parse().map_err(|why: String| {
        web::problem(http::StatusCode::BAD_REQUEST, "No such state", &why, "Open the agent again.", None)
    })?;
    let actor = Actor::Person(posted.who.person.id.clone());
    orders::set_agent_state(store, &agent, state, actor).await.map_err(refused)?;
    told_everywhere(store, &Target::Agent(agent)).await?;
    Ok(see_other(&format!("/console/agents/{id}")))
}
