//! `/me/duty`: approving in my absence, and what others handed to me.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use login::FRESH_LOGIN;
use model::{Actor, Duty, Id, Person, Role, Span, Timestamp};
use privilege::{
    Refused,
    duty::{delegate::DutyWish, end::may_end},
};
use web::{LocalPath, Page, Place, login_again, see_other};

use crate::{
    access::{Anyone, As, Posted},
    context::{Answer, Shared},
    failure::{forbidden, not_found, refused, store_failed},
    relative_time::{When, when},
};
use governance::orders;

/// Where it is.
pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/me/duty", get(show).post(hand_over)).route("/me/duty/{id}/end", post(end))
}

struct DutyLine {
    id: String,
    from: String,
    to: String,
    server: Option<String>,
    until: When,
}

#[derive(Template)]
#[template(path = "duty.html")]
struct Duties {
    csrf: String,
    /// Is there anything to hand over?
    approves: bool,
    mine: Vec<DutyLine>,
    others: Vec<DutyLine>,
    servers: Vec<String>,
    choices: &'static [(u32, &'static str)],
}

/// For how many minutes, to choose from.
const CHOICES: &[(u32, &str)] = &[
    (4 * 60, "4 hours"),
    (8 * 60, "8 hours"),
    (24 * 60, "a day"),
    (7 * 24 * 60, "a week"),
    (14 * 24 * 60, "two weeks"),
    (30 * 24 * 60, "30 days"),
];

/// `GET /me/duty`
pub async fn show(State(console): State<Shared>, visitor: As<Anyone>) -> Answer {
    let (who, store, now) = (&visitor.who, &console.store, console.store.now());
    let me = &who.person.id;
    let lines = |duties: Vec<Duty>| lines(duties, now);
    let content = Duties {
        csrf: who.csrf.text(),
        approves: who.person.holds(Role::Approver),
        mine: lines(store.duties_from(me).await.map_err(store_failed)?),
        others: lines(store.duties_to(me).await.map_err(store_failed)?),
        servers: console.config.servers.keys().map(ToString::to_string).collect(),
        choices: CHOICES,
    };
    Ok(Page::new("Approving in your absence", &content).of(who).at(Place::Account).into_response())
}

fn lines(duties: Vec<Duty>, now: Timestamp) -> Vec<DutyLine> {
    let line = |duty: Duty| DutyLine {
        id: duty.id.to_string(),
        from: duty.from.to_string(),
        to: duty.to.to_string(),
        server: duty.server.as_ref().map(ToString::to_string),
        until: when(now, duty.not_after),
    };
    duties.into_iter().filter(|duty| !duty.is_over(now)).map(line).collect()
}

/// `POST /me/duty` with `to`, `minutes`, and `server` when it is for one.
///
/// After a fresh login only: whoever finds the browser open hands nothing to themselves.
pub async fn hand_over(State(console): State<Shared>, posted: Posted<Anyone>) -> Answer {
    let store = &console.store;
    if posted.who.fresh(store.now(), FRESH_LOGIN).is_err() {
        return Ok(login_again(&LocalPath::parse(HERE).unwrap_or(LocalPath::ROOT)));
    }
    let form = &posted.form;
    let named = form.value("to").unwrap_or_default().trim();
    let to: Id<Person> = named.parse().map_err(|_| not_found("person", named))?;
    let minutes = form.value("minutes").and_then(|minutes| minutes.parse::<u32>().ok());
    let minutes = minutes.filter(|minutes| u64::from(*minutes) * 60 <= Duty::LONGEST.seconds());
    let server = match form.value("server").unwrap_or_default() {
        "" => None,
        name => {
            let server = name.parse().ok().filter(|server| console.config.servers.contains_key(server));
            Some(server.ok_or_else(|| not_found("server", name))?)
        }
    };
    let me = posted.who.person.id.clone();
    let lasts = minutes.map_or(Span::from_seconds(0), Span::from_minutes);
    let wish = DutyWish { from: me.clone(), to, server, lasts };
    match orders::delegate_duty(store, wish, Actor::Person(me)).await {
        // A second click.
        Ok(_) | Err(Refused::DutyStands(_)) => Ok(see_other(HERE)),
        Err(error) => Err(refused(error)),
    }
}

/// `POST /me/duty/{id}/end`: either of the two ends it.
pub async fn end(State(console): State<Shared>, Path(id): Path<String>, posted: Posted<Anyone>) -> Answer {
    let store = &console.store;
    let unknown = || not_found("duty", &id);
    let parsed: Id<Duty> = id.parse().map_err(|_| unknown())?;
    let duty = store.duty(&parsed).await.map_err(store_failed)?.ok_or_else(unknown)?;
    if !may_end(&duty, &posted.who.person) {
        return Err(forbidden("This duty is of other people.", "One of them, or an administrator, can end it."));
    }
    let ended = orders::end_duty(store, &parsed, Actor::Person(posted.who.person.id.clone())).await;
    over(ended)?;
    Ok(see_other(HERE))
}

/// What was to be is so.
fn over(ended: Result<(), Refused>) -> Result<(), Response> {
    match ended {
        Ok(()) | Err(Refused::DutyOver(_)) => Ok(()),
        Err(error) => Err(refused(error)),
    }
}

const HERE: &str = "/me/duty";
