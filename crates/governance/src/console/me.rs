//! `/me`: my agents, my grants, what waits for me.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::IntoResponse,
};
use model::{Actor, Role, Target};
use pages::{Page, Place, see_other};

use super::{
    Answer, Shared,
    agents::AgentLine,
    approval::Request,
    forbidden,
    gate::{Anyone, As, Posted},
    grants::GrantLine,
    kill_switch::told_everywhere,
    not_found,
    overview::Live,
    refused, store_failed,
};
use crate::{duty::FRESH_LOGIN, inventory};

#[derive(Template)]
#[template(path = "me.html")]
struct Me {
    csrf: String,
    fresh: bool,
    name: String,
    agents: Vec<AgentLine>,
    grants: Vec<GrantLine>,
    waiting: Vec<Request>,
    live: Vec<Live>,
}

/// `GET /`
pub async fn home(visitor: As<Anyone>) -> Answer {
    let person = &visitor.who.person;
    let oversees = person.holds(Role::Approver) || person.holds(Role::Auditor);
    Ok(see_other(if oversees { "/console" } else { "/me" }))
}

/// `GET /me`
pub async fn show(State(console): State<Shared>, visitor: As<Anyone>) -> Answer {
    let (store, who) = (&console.store, &visitor.who);
    let (now, me) = (store.now(), &who.person.id);
    let mut agents = inventory::agents(store).await.map_err(store_failed)?;
    agents.retain(|entry| entry.agent.owner == *me);
    let mut grants = inventory::grants(store).await.map_err(store_failed)?;
    grants.retain(|entry| entry.agent.owner == *me || entry.grant.person.as_ref() == Some(me));
    let mut waiting = inventory::pending(store).await.map_err(store_failed)?;
    waiting.retain(|entry| entry.agent.owner == *me || entry.grant.person.as_ref() == Some(me));
    let mut live = inventory::live_elevations(store).await.map_err(store_failed)?;
    live.retain(|entry| entry.agent.owner == *me || entry.grant.person.as_ref() == Some(me));
    let content = Me {
        csrf: who.csrf.text(),
        fresh: who.fresh(now, FRESH_LOGIN).is_ok(),
        name: who.person.display_name.clone(),
        agents: agents.iter().map(|entry| AgentLine::of(entry, now)).collect(),
        grants: grants.iter().map(|entry| GrantLine::of(entry, now)).collect(),
        waiting: waiting.iter().map(|entry| Request::of(entry, &who.person, now)).collect(),
        live: live.iter().map(|entry| Live::of(entry, now)).collect(),
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
    let actor = Actor::Person(me.to_string());
    crate::revoke(store, &target, actor, "revoked by the person it acts for, or its owner").await.map_err(refused)?;
    told_everywhere(store, &target).await?;
    Ok(see_other("/me"))
}
