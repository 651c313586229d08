//! `/console/exceptions`: who is spared what a policy says, why, by whose word, and until when.

use askama::Template;
use axum::{
    Router,
    extract::{Path, RawQuery, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use governance::orders;
use http::StatusCode;
use model::{Actor, Exception, Id, Role, Span, Timestamp, shown};
use privilege::{Refused, exception::ExceptionWish};
use store::After;
use web::{Page, Place, see_other};

use crate::{
    access::{Administers, As, Posted, Reads},
    context::{Answer, Shared},
    failure::{not_found, refused, store_failed},
    paging::{self, ON_A_PAGE},
    relative_time::{When, when},
};

/// Where it is.
pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/console/exceptions", get(list).post(add)).route("/console/exceptions/{id}/end", post(end))
}

/// An exception as a row.
pub struct ExceptionLine {
    /// Its id.
    pub id: String,
    /// What policies call it.
    pub name: String,
    /// Who is spared.
    pub agent: String,
    /// Where.
    pub server: String,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Where it stands, in words.
    pub stands: String,
    /// Can it still be ended?
    pub is_standing: bool,
    /// Its end at the latest, or when it ended.
    pub until: When,
}

impl ExceptionLine {
    /// From an exception, at `now`.
    pub fn of(exception: &Exception, now: Timestamp) -> Self {
        let end = exception.end(now);
        Self {
            id: exception.id.to_string(),
            name: exception.name.to_string(),
            agent: exception.agent.to_string(),
            server: exception.server.as_ref().map_or_else(|| "every one".to_owned(), ToString::to_string),
            reason: shown(&exception.reason, 300),
            owner: exception.owner.to_string(),
            stands: end.map_or_else(
                || "stands".to_owned(),
                |(cause, _)| format!("ended: {}", cause.as_str().replace('_', " ")),
            ),
            is_standing: end.is_none(),
            until: when(now, end.map_or(exception.not_after, |(_, at)| at)),
        }
    }
}

#[derive(Template)]
#[template(path = "exceptions.html")]
struct Exceptions {
    csrf: String,
    administers: bool,
    exceptions: Vec<ExceptionLine>,
    next: Option<String>,
    /// Those that some policy asks for: no other would change anything.
    names: Vec<String>,
    servers: Vec<String>,
    /// Who looks, and would answer for it.
    me: String,
}

/// `GET /console/exceptions?after=…`
pub async fn list(State(console): State<Shared>, visitor: As<Reads>, RawQuery(query): RawQuery) -> Answer {
    let now = console.store.now();
    let after: Option<After<Exception>> = paging::after(query.as_deref(), "after")?;
    let page = console.store.exceptions_page(after.as_ref(), ON_A_PAGE).await.map_err(store_failed)?;
    let content = Exceptions {
        csrf: visitor.who.csrf.text(),
        administers: visitor.who.person.holds(Role::Admin),
        exceptions: page.items.iter().map(|exception| ExceptionLine::of(exception, now)).collect(),
        next: paging::next("/console/exceptions", "after", page.next),
        names: console.policies.exceptions().iter().map(ToString::to_string).collect(),
        servers: console.config.servers.keys().map(ToString::to_string).collect(),
        me: visitor.who.person.id.to_string(),
    };
    Ok(Page::new("Exceptions", &content).of(&visitor.who).at(Place::Exceptions).into_response())
}

/// `POST /console/exceptions` with `name`, `agent`, `server`, `reason`, `owner` and `hours`.
pub async fn add(State(console): State<Shared>, posted: Posted<Administers>) -> Answer {
    let form = &posted.form;
    let field = |name: &str| form.value(name).unwrap_or_default().trim().to_owned();
    let asked_for = console.policies.exceptions().iter().find(|name| name.as_str() == field("name")).cloned();
    let name = asked_for
        .ok_or_else(|| unclear("No policy asks for an exception of that name.", "Choose one from the list."))?;
    let agent = field("agent")
        .parse()
        .map_err(|_| unclear("That is not the name of an agent.", "The page Agents has them all."))?;
    let owner = field("owner")
        .parse()
        .map_err(|_| unclear("That is not the name of a person.", "The page People has them all."))?;
    let server = match field("server").as_str() {
        "" => None,
        named => {
            let known = console.config.servers.keys().find(|server| server.as_str() == named);
            Some(known.ok_or_else(|| unclear("There is no such server.", "Choose one from the list."))?.clone())
        }
    };
    let hours = field("hours").parse::<u32>().ok().filter(|hours| (1..=MOST_HOURS).contains(hours));
    let hours = hours.ok_or_else(|| unclear("It has to end within ninety days.", "Say after how many hours."))?;
    let wish =
        ExceptionWish { name, agent, server, reason: field("reason"), owner, lasts: Span::from_minutes(hours * 60) };
    match orders::add_exception(&console.store, wish, Actor::Person(posted.who.person.id.clone())).await {
        // A second click: it stands.
        Ok(_) | Err(Refused::ExceptionStands(_)) => {}
        Err(error) => return Err(refused(error)),
    }
    console.store.wait_until_everywhere().await.map_err(store_failed)?;
    Ok(see_other("/console/exceptions"))
}

/// Ninety days.
const MOST_HOURS: u32 = 24 * 90;

fn unclear(happened: &str, to_do: &str) -> Response {
    web::problem(StatusCode::BAD_REQUEST, "Nothing was added", happened, to_do, None)
}

/// `POST /console/exceptions/{id}/end`. A second click finds what it was for: it is over.
pub async fn end(State(console): State<Shared>, Path(id): Path<String>, posted: Posted<Administers>) -> Answer {
    let parsed: Id<Exception> = id.parse().map_err(|_| not_found("exception", &id))?;
    let actor = Actor::Person(posted.who.person.id.clone());
    match orders::end_exception(&console.store, &parsed, actor).await {
        Ok(()) | Err(Refused::ExceptionOver(_)) => {}
        Err(Refused::UnknownException(_)) => return Err(not_found("exception", &id)),
        Err(error) => return Err(refused(error)),
    }
    console.store.wait_until_everywhere().await.map_err(store_failed)?;
    Ok(see_other("/console/exceptions"))
}
