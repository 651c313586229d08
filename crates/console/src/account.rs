//! `/me/account`: who I am here, what I may do, and where I am logged in.
//!
//! When a session was last seen is not known: looking at a page writes nothing.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::IntoResponse,
    routing::{get, post},
};
use crypto::Digest;
use model::{Actor, Id, Person, Role, event::SessionsEnded};
use store::{Commit, Session, StoreError, Tx};
use web::{Page, Place, see_other};

use crate::{
    access::{Anyone, As, Posted},
    context::{Answer, Shared},
    failure::store_failed,
    relative_time::{When, when},
};

struct RoleLine {
    name: &'static str,
    may: &'static str,
}

struct SessionLine {
    name: String,
    here: bool,
    since: When,
    until: When,
}

/// Where it is.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/me/account", get(show))
        .route("/me/sessions/end-others", post(end_others))
        .route("/me/sessions/{name}/end", post(end))
}

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    csrf: String,
    id: String,
    name: String,
    roles: Vec<RoleLine>,
    sessions: Vec<SessionLine>,
    others: usize,
    most: bool,
}

/// `GET /me/account`
pub async fn show(State(console): State<Shared>, visitor: As<Anyone>) -> Answer {
    let (who, now) = (&visitor.who, console.store.now());
    let found = console.store.sessions_of(&who.person.id, now, MOST).await.map_err(store_failed)?;
    let sessions: Vec<_> = found
        .iter()
        .map(|session| SessionLine {
            name: name_of(session),
            here: session.digest == who.session.digest,
            since: when(now, session.logged_in_at),
            until: when(now, session.not_after),
        })
        .collect();
    let content = Account {
        csrf: who.csrf.text(),
        id: who.person.id.to_string(),
        name: who.person.display_name.clone(),
        roles: who.person.roles.iter().map(|role| RoleLine { name: role.as_str(), may: may(*role) }).collect(),
        others: sessions.iter().filter(|session| !session.here).count(),
        most: sessions.len() == MOST as usize,
        sessions,
    };
    Ok(Page::new("Account", &content).of(who).at(Place::Account).into_response())
}

/// `POST /me/sessions/{name}/end`: one of my own sessions. A name that is none of them is over, as after a second click.
pub async fn end(State(console): State<Shared>, Path(name): Path<String>, posted: Posted<Anyone>) -> Answer {
    let me = &posted.who.person.id;
    let mine = console.store.sessions_of(me, console.store.now(), MOST).await.map_err(store_failed)?;
    if let Some(session) = mine.iter().find(|session| name_of(session) == name) {
        end_of(&console, me, Which::One(session.digest)).await?;
    }
    Ok(see_other(ACCOUNT))
}

/// `POST /me/sessions/end-others`: all of mine but the one in this browser.
pub async fn end_others(State(console): State<Shared>, posted: Posted<Anyone>) -> Answer {
    end_of(&console, &posted.who.person.id, Which::AllBut(posted.who.session.digest)).await?;
    Ok(see_other(ACCOUNT))
}

enum Which {
    One(Digest),
    AllBut(Digest),
}

/// Nothing is recorded when there was nothing to end.
async fn end_of(console: &Shared, me: &Id<Person>, which: Which) -> Result<(), axum::response::Response> {
    let me = me.clone();
    let ended = console.store.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            let ended = which.end(tx, &me).await?;
            if ended == 0 {
                return Ok(Commit::nothing(()));
            }
            let gone = SessionsEnded { person: me.clone(), sessions: ended };
            Ok(Commit::with(gone.by(Actor::Person(me)), ()))
        })
    });
    ended.await.map_err(store_failed)
}

impl Which {
    async fn end(&self, tx: &mut Tx<'_>, me: &Id<Person>) -> Result<u64, StoreError> {
        match self {
            Self::One(digest) => tx.end_session(*digest).await.map(u64::from),
            Self::AllBut(stays) => tx.end_other_sessions(me, *stays).await,
        }
    }
}

/// What a session is called on the page. It tells neither the cookie nor what the store keeps of it.
fn name_of(session: &Session) -> String {
    let mut name = Digest::of(&format!("portcullis session\n{}", session.digest.to_hex())).to_hex();
    name.truncate(NAME_LENGTH);
    name
}

fn may(role: Role) -> &'static str {
    match role {
        Role::Approver => "decides about high calls of agents that are not their own",
        Role::Auditor => "reads everything, and changes nothing",
        Role::Admin => "stops and restores agents, people and servers; decides and reads as well",
    }
}

const ACCOUNT: &str = "/me/account";
/// So many sessions are shown. Who has more ends all others at once.
const MOST: u32 = 50;
/// 64 bits, in hexadecimal digits: apart among the sessions of one person.
const NAME_LENGTH: usize = 16;
