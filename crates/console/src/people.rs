//! `/console/people`: who may approve, audit and administer, and whose the agents are.

use askama::Template;
use axum::{
    Router,
    extract::{RawQuery, State},
    response::IntoResponse,
    routing::get,
};
use model::{Id, Person, Role, shown};
use web::{Page, Place};

use crate::{
    access::{As, Reads},
    context::{Answer, Shared},
    failure::store_failed,
    paging::{self, ON_A_PAGE},
};
use governance::inventory::blocked_person;

struct PersonLine {
    id: String,
    name: String,
    roles: Vec<&'static str>,
    agents: u64,
    state: &'static str,
}

/// Where it is.
pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/console/people", get(list))
}

#[derive(Template)]
#[template(path = "people.html")]
struct People {
    administers: bool,
    people: Vec<PersonLine>,
    approvers: u64,
    next: Option<String>,
}

/// `GET /console/people?after=…`
pub async fn list(State(console): State<Shared>, visitor: As<Reads>, RawQuery(query): RawQuery) -> Answer {
    let store = &console.store;
    let after: Option<Id<Person>> = paging::after(query.as_deref(), "after")?;
    let page = store.people_page(after.as_ref(), ON_A_PAGE).await.map_err(store_failed)?;
    let mut people = Vec::with_capacity(page.items.len());
    for person in page.items {
        people.push(PersonLine {
            name: shown(&person.display_name, 64),
            roles: person.roles.iter().map(|role| role.as_str()).collect(),
            agents: store.count_agents_of(&person.id).await.map_err(store_failed)?,
            state: match (person.disabled, blocked_person(store, &person.id)) {
                (true, _) => "disabled",
                (false, Some(_)) => "blocked",
                (false, None) => "active",
            },
            id: person.id.to_string(),
        });
    }
    let content = People {
        administers: visitor.who.person.holds(Role::Admin),
        people,
        approvers: store.count_people_with(Role::Approver).await.map_err(store_failed)?,
        next: paging::next("/console/people", "after", page.next),
    };
    Ok(Page::new("People", &content).of(&visitor.who).at(Place::People).into_response())
}
