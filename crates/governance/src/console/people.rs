//! `/console/people`: who may approve, audit and administer, and whose the agents are.

use askama::Template;
use axum::{extract::State, response::IntoResponse};
use model::Role;
use model::shown;
use web::{Page, Place};

use super::{
    Answer, Shared,
    gate::{As, Reads},
    store_failed,
};
use crate::inventory::blocked_person;

struct PersonLine {
    id: String,
    name: String,
    roles: Vec<&'static str>,
    agents: usize,
    state: &'static str,
}

#[derive(Template)]
#[template(path = "people.html")]
struct People {
    administers: bool,
    people: Vec<PersonLine>,
    approvers: usize,
}

/// `GET /console/people`
pub async fn list(State(console): State<Shared>, visitor: As<Reads>) -> Answer {
    let store = &console.store;
    let agents = store.agents().await.map_err(store_failed)?;
    let people = store.people().await.map_err(store_failed)?;
    let approvers = people.iter().filter(|person| person.holds(Role::Approver)).count();
    let people = people.into_iter().map(|person| PersonLine {
        name: shown(&person.display_name, 64),
        roles: person.roles.iter().map(|role| role.as_str()).collect(),
        agents: agents.iter().filter(|agent| agent.owner == person.id).count(),
        state: match (person.disabled, blocked_person(store, &person.id)) {
            (true, _) => "disabled",
            (false, Some(_)) => "blocked",
            (false, None) => "active",
        },
        id: person.id.to_string(),
    });
    let content = People { administers: visitor.who.person.holds(Role::Admin), people: people.collect(), approvers };
    Ok(Page::new("People", &content).of(&visitor.who).at(Place::People).into_response())
}
