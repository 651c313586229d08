//! `/console/tasks` and `/console/tasks/{id}`: named pieces of work, what was given for them, and their ends.

use askama::Template;
use axum::{
    Router,
    extract::{Path, RawQuery, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use login::SignedIn;
use model::{Actor, Id, Person, Role, Task};
use privilege::Refused;
use store::{After, Store};
use web::{Page, Place, see_other};

use crate::{
    access::{Administers, Anyone, As, Posted, Reads},
    audit_log::Line,
    context::{Answer, Shared},
    failure::{forbidden, not_found, refused, store_failed},
    overview::Live,
    paging::{self, ON_A_PAGE},
    task_line::TaskLine,
};
use governance::{audit_query, orders};

/// Where it is.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/console/tasks", get(list))
        .route("/console/tasks/{id}", get(show))
        .route("/console/tasks/{id}/end", post(end))
        .route("/me/tasks/{id}/end", post(end_mine))
}

#[derive(Template)]
#[template(path = "tasks.html")]
struct Tasks {
    tasks: Vec<TaskLine>,
    next: Option<String>,
}

/// `GET /console/tasks?after=…`
pub async fn list(State(console): State<Shared>, visitor: As<Reads>, RawQuery(query): RawQuery) -> Answer {
    let now = console.store.now();
    let after: Option<After<Task>> = paging::after(query.as_deref(), "after")?;
    let page = console.store.tasks_page(after.as_ref(), ON_A_PAGE).await.map_err(store_failed)?;
    let content = Tasks {
        tasks: page.items.iter().map(|task| TaskLine::of(task, now)).collect(),
        next: paging::next("/console/tasks", "after", page.next),
    };
    Ok(Page::new("Tasks", &content).of(&visitor.who).at(Place::Tasks).into_response())
}

#[derive(Template)]
#[template(path = "task.html")]
struct OneTask {
    csrf: String,
    /// Where its form leads, for whoever may end it.
    end_at: Option<String>,
    reads: bool,
    task: TaskLine,
    live: Vec<Live>,
    records: Vec<Line>,
}

/// `GET /console/tasks/{id}`: for auditors, and for the person who answers for it.
pub async fn show(State(console): State<Shared>, visitor: As<Anyone>, Path(id): Path<String>) -> Answer {
    let (store, who) = (&console.store, &visitor.who);
    let now = store.now();
    let task = found(store, &id).await?;
    let (reads, is_theirs) = (who.person.holds(Role::Auditor), answers_for(store, &who.person, &task).await?);
    if !reads && !is_theirs {
        return Err(not_found("task", &id));
    }
    let end_at = match (is_theirs, who.person.holds(Role::Admin)) {
        (true, _) => Some(format!("/me/tasks/{}/end", task.id)),
        (false, true) => Some(format!("/console/tasks/{}/end", task.id)),
        (false, false) => None,
    };
    let live = store.live_elevation_entries_of(&task.agent, now).await.map_err(store_failed)?;
    let of_task = live.iter().filter(|entry| entry.elevation.ends_with.task.as_ref() == Some(&task.id));
    let latest = audit_query::latest_of_agent(store, &task.agent, LOOKED_AT).await.map_err(store_failed)?;
    let records = latest.iter().filter(|record| record.text("task") == Some(task.id.as_str())).take(RECORDS);
    let line = TaskLine::of(&task, now);
    let content = OneTask {
        csrf: who.csrf.text(),
        end_at: end_at.filter(|_| line.is_standing),
        reads,
        task: line,
        live: of_task.map(|entry| Live::of(entry, now)).collect(),
        records: records.map(|record| Line::of(record, now)).collect(),
    };
    let place = if reads { Place::Tasks } else { Place::Me };
    Ok(Page::new("A task", &content).of(who).at(place).into_response())
}

/// `POST /console/tasks/{id}/end`
pub async fn end(State(console): State<Shared>, Path(id): Path<String>, posted: Posted<Administers>) -> Answer {
    let task = found(&console.store, &id).await?;
    end_by(&console, &task, &posted.who).await?;
    Ok(see_other(&format!("/console/tasks/{}", task.id)))
}

/// `POST /me/tasks/{id}/end`: of an agent that acts for me, or is mine. Of one that was said to be complete, this confirms it.
pub async fn end_mine(State(console): State<Shared>, Path(id): Path<String>, posted: Posted<Anyone>) -> Answer {
    let task = found(&console.store, &id).await?;
    if !answers_for(&console.store, &posted.who.person, &task).await? {
        return Err(forbidden("This task is of somebody else’s agent.", "An administrator can end it."));
    }
    end_by(&console, &task, &posted.who).await?;
    Ok(see_other("/me"))
}

/// A second click finds what it was for: it is over.
async fn end_by(console: &Shared, task: &Task, who: &SignedIn) -> Result<(), Response> {
    match orders::end_task(&console.store, &task.id, Actor::Person(who.person.id.clone())).await {
        Ok(()) | Err(Refused::TaskOver(_)) => {}
        Err(error) => return Err(refused(error)),
    }
    console.store.wait_until_everywhere().await.map_err(store_failed)?;
    Ok(())
}

async fn found(store: &Store, id: &str) -> Result<Task, Response> {
    let unknown = || not_found("task", id);
    let parsed: Id<Task> = id.parse().map_err(|_| unknown())?;
    store.task(&parsed).await.map_err(store_failed)?.ok_or_else(unknown)
}

/// Does the agent act for `person`, or is it theirs?
async fn answers_for(store: &Store, person: &Person, task: &Task) -> Result<bool, Response> {
    if task.person.as_ref() == Some(&person.id) {
        return Ok(true);
    }
    let agent = store.agent(&task.agent).await.map_err(store_failed)?;
    Ok(agent.is_some_and(|agent| agent.owner == person.id))
}

/// Records on the page of a task, of the latest of its agent.
const RECORDS: usize = 25;
const LOOKED_AT: usize = 200;
