//! `/me`: my agents, my grants, what waits for me.

use askama::Template;
use axum::{
    Router,
    extract::{Path, RawQuery, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use login::FRESH_LOGIN;
use model::{Actor, Grant, Id, Person, Role, Target};
use privilege::Refused;
use web::{Page, Place, see_other};

use crate::{
    access::{Anyone, As, Posted},
    context::{Answer, Shared},
    failure::{forbidden, not_found, refused, store_failed},
    kill_switch::told_everywhere,
    mine::{self, Mine},
    paging,
};
use governance::orders;

/// Where it is.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/", get(home))
        .route("/me", get(show))
        .route("/me/grants/{id}/revoke", post(revoke_grant))
        .route("/me/installations/{id}/end", post(end_installation))
        .route("/me/elevations/{id}/end", post(end_elevation))
}

#[derive(Template)]
#[template(path = "me.html")]
struct Me {
    csrf: String,
    fresh: bool,
    name: String,
    mine: Mine,
    next: Option<String>,
}

/// `GET /`
pub async fn home(visitor: As<Anyone>) -> Answer {
    let person = &visitor.who.person;
    let oversees = person.holds(Role::Approver) || person.holds(Role::Auditor);
    Ok(see_other(if oversees { "/console" } else { "/me" }))
}

/// `GET /me?after=…`
///
/// Its forms *Allow* and *Ask for approval* are answered by the authorization server, which opens elevations.
pub async fn show(State(console): State<Shared>, visitor: As<Anyone>, RawQuery(query): RawQuery) -> Answer {
    let who = &visitor.who;
    let after = paging::after(query.as_deref(), "after")?;
    let (mine, next) =
        mine::of(&console.store, (&console.config, &console.policies), &who.person, after.as_ref()).await?;
    let content = Me {
        csrf: who.csrf.text(),
        fresh: who.fresh(console.store.now(), FRESH_LOGIN).is_ok(),
        name: who.person.display_name.clone(),
        mine,
        next: paging::next("/me", "after", next),
    };
    Ok(Page::new("My agents", &content).of(who).at(Place::Me).into_response())
}

/// `POST /me/grants/{id}/revoke`: my own grant, or one of an agent I answer for.
pub async fn revoke_grant(State(console): State<Shared>, Path(id): Path<String>, posted: Posted<Anyone>) -> Answer {
    let store = &console.store;
    let unknown = || not_found("grant", &id);
    let grant = store.grant(&id.parse().map_err(|_| unknown())?).await.map_err(store_failed)?.ok_or_else(unknown)?;
    let agent = store.agent(&grant.agent).await.map_err(store_failed)?.ok_or_else(unknown)?;
    let me = &posted.who.person.id;
    if grant.person.as_ref() != Some(me) && agent.owner != *me {
        return Err(forbidden("This grant is about somebody else’s agent.", "An administrator can revoke it."));
    }
    let target = Target::Grant(grant.id);
    let actor = Actor::Person(me.clone());
    let why = "revoked by the person it acts for, or its owner";
    once(orders::revoke(store, &target, actor, why).await.map(drop))?;
    told_everywhere(store, &target).await?;
    Ok(see_other("/me"))
}

/// `POST /me/installations/{id}/end`: a login of my own, or of an agent I answer for.
pub async fn end_installation(State(console): State<Shared>, Path(id): Path<String>, posted: Posted<Anyone>) -> Answer {
    let store = &console.store;
    let unknown = || not_found("installation", &id);
    let found = store.installation(&id.parse().map_err(|_| unknown())?).await.map_err(store_failed)?;
    let installation = found.ok_or_else(unknown)?;
    let me = &posted.who.person.id;
    if installation.person.as_ref() != Some(me) && !owns(&console, &installation.grant, me).await? {
        return Err(forbidden("This login is about somebody else’s agent.", "An administrator can end it."));
    }
    let target = Target::Installation(installation.id.clone());
    let actor = Actor::Person(me.clone());
    let why = "ended by the person it acts for, or its owner";
    once(orders::end_installation(store, &installation.id, actor, why).await)?;
    told_everywhere(store, &target).await?;
    Ok(see_other("/me"))
}

/// `POST /me/elevations/{id}/end`
pub async fn end_elevation(State(console): State<Shared>, Path(id): Path<String>, posted: Posted<Anyone>) -> Answer {
    console.end_for(&id, &posted.who.person).await?;
    Ok(see_other("/me"))
}

/// A second click finds what it was for: it is over.
fn once(outcome: Result<(), Refused>) -> Result<(), Response> {
    match outcome {
        Ok(()) | Err(Refused::GrantEnded(_) | Refused::InstallationEnded(_)) => Ok(()),
        Err(error) => Err(refused(error)),
    }
}

async fn owns(console: &Shared, grant: &Id<Grant>, me: &Id<Person>) -> Result<bool, Response> {
    let Some(grant) = console.store.grant(grant).await.map_err(store_failed)? else { return Ok(false) };
    let agent = console.store.agent(&grant.agent).await.map_err(store_failed)?;
    Ok(agent.is_some_and(|agent| agent.owner == *me))
}
