//! `/me/agents/{id}`: what one agent of mine did, in the words of the records.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::IntoResponse,
    routing::get,
};
use model::{Agent, Id};
use web::{Page, Place};

use crate::{
    access::{Anyone, As},
    agents::AgentLine,
    audit_log::Line,
    context::{Answer, Shared},
    failure::{not_found, store_failed},
    task_line::TaskLine,
};
use governance::{audit_query, inventory};

/// Where it is.
pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/me/agents/{id}", get(show))
}

#[derive(Template)]
#[template(path = "my_agent.html")]
struct MyAgent {
    agent: AgentLine,
    tasks: Vec<TaskLine>,
    records: Vec<Line>,
}

/// `GET /me/agents/{id}`: of an agent that acts for me, or is mine.
pub async fn show(State(console): State<Shared>, visitor: As<Anyone>, Path(id): Path<String>) -> Answer {
    let (store, who) = (&console.store, &visitor.who);
    let now = store.now();
    let unknown = || not_found("agent", &id);
    let name: Id<Agent> = id.parse().map_err(|_| unknown())?;
    let entry = inventory::agent(store, &name).await.map_err(store_failed)?.ok_or_else(unknown)?;
    // An agent that acts for somebody is theirs: its owner is the person.
    if entry.agent.owner != who.person.id {
        return Err(unknown());
    }
    let tasks = store.tasks_of_agent_page(&name, None, TASKS).await.map_err(store_failed)?.items;
    let records = audit_query::latest_of_agent(store, &name, RECORDS).await.map_err(store_failed)?;
    let content = MyAgent {
        agent: AgentLine::of(&entry, now),
        tasks: tasks.iter().map(|task| TaskLine::of(task, now)).collect(),
        records: records.iter().map(|record| Line::of(record, now)).collect(),
    };
    Ok(Page::new(&id, &content).of(who).at(Place::Me).into_response())
}

/// The newest of them.
const TASKS: u32 = 10;
const RECORDS: usize = 50;
