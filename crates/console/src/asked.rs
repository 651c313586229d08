//! `/me/asked/{id}`: one exact call that was refused, for the person who may ask for it.
//!
//! A refused call tells its address. Whoever opens it without being that person learns nothing, not even whether it exists.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::IntoResponse,
    routing::get,
};
use login::FRESH_LOGIN;
use model::{AskedCall, Elevation, Id};
use privilege::separation_of_duty::consenter;
use web::{Page, Place, see_other};

use crate::{
    access::{Anyone, As},
    context::{Answer, Shared},
    failure::{not_found, store_failed},
    mine::Lack,
};
use governance::inventory;

/// Where it is.
pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/me/asked/{id}", get(show))
}

#[derive(Template)]
#[template(path = "asked.html")]
struct Asked {
    csrf: String,
    fresh: bool,
    lack: Lack,
}

/// `GET /me/asked/{id}`. What was asked for already is shown where it is decided.
pub async fn show(State(console): State<Shared>, visitor: As<Anyone>, Path(id): Path<String>) -> Answer {
    let who = &visitor.who;
    let (store, now) = (&console.store, console.store.now());
    let unknown = || not_found("call", &id);
    let parsed: Id<AskedCall> = id.parse().map_err(|_| unknown())?;
    let asked = store.asked_call(&parsed).await.map_err(store_failed)?.ok_or_else(unknown)?;
    let grant = store.grant(&asked.grant).await.map_err(store_failed)?.ok_or_else(unknown)?;
    let entries = inventory::grants_of(store, &grant.agent).await.map_err(store_failed)?;
    // Of a grant that stands.
    let entry = entries.into_iter().find(|entry| entry.grant.id == grant.id).ok_or_else(unknown)?;
    if *consenter(&entry.grant, &entry.agent) != who.person.id {
        return Err(unknown());
    }
    let recent = store.recent_elevations(&asked.grant, &asked.scope).await.map_err(store_failed)?;
    let is_this = |elevation: &Elevation| {
        let of_this = elevation.call.as_ref().is_some_and(|call| call.asked == asked.id);
        of_this && elevation.requested_at >= asked.asked_at
    };
    if let Some(elevation) = recent.into_iter().find(is_this) {
        return Ok(see_other(&format!("/console/approvals/{}", elevation.id)));
    }
    let lack = Lack::asked(store, &console.config, &entry, asked, now).await?;
    let content = Asked { csrf: who.csrf.text(), fresh: who.fresh(now, FRESH_LOGIN).is_ok(), lack };
    Ok(Page::new("A refused call", &content).of(who).at(Place::Me).into_response())
}
