//! `/console/definitions`: what tools say of themselves, and who accepts it.
//!
//! The words are a server's, and may be meant to deceive: they are shown as text, with every character that nobody would see
//! written out.

use askama::Template;
use axum::{
    Router,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use crypto::Digest;
use http::StatusCode;
use model::{Actor, Id, Pin, Role, Server, Target, ToolName, server::Kind, shown::revealed};
use oauth::Form;
use store::CataloguePlace;
use web::{Page, Place, problem, see_other};

use crate::{
    access::{Administers, As, Posted, Reads},
    context::{Answer, Shared},
    failure::{refused, sentence, store_failed},
    kill_switch::told_everywhere,
    paging::{self, ON_A_PAGE},
    relative_time::{When, when},
};
use governance::{
    catalogue::{Look, look, of_entry},
    orders,
};

/// Where it is.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/console/definitions", get(list))
        .route("/console/definitions/one", get(show))
        .route("/console/definitions/accept", post(accept))
}

/// A tool or prompt as a row.
struct Line {
    tool: String,
    state: &'static str,
    is_held: bool,
    since: When,
    notes: Vec<String>,
    differences: usize,
}

/// A tool or prompt with all it says.
struct Detail {
    line: Line,
    /// Of what the server speaks.
    what: &'static str,
    /// What is held is called by nobody.
    is_called: bool,
    digest: String,
    accepted: Option<(String, When)>,
    tier: Option<&'static str>,
    groups: Vec<String>,
    suggests: Option<&'static str>,
    /// What its words suggest is more than its rule says.
    is_more: bool,
    differences: Vec<(String, Option<String>, Option<String>)>,
    /// All of it.
    says: String,
    csrf: String,
    administers: bool,
}

#[derive(Template)]
#[template(path = "definitions.html")]
struct Definitions {
    held: bool,
    lines: Vec<Line>,
    one: Option<Detail>,
    next: Option<String>,
}

/// `GET /console/definitions?held=…&after=…`
pub async fn list(State(console): State<Shared>, visitor: As<Reads>, RawQuery(query): RawQuery) -> Answer {
    let (store, form) = (&console.store, Form::parse(query.clone().unwrap_or_default().as_bytes()).unwrap_or_default());
    let held = form.value("all").is_none();
    let after: Option<Spot> = paging::after(query.as_deref(), "after")?;
    let place = after.map(|Spot(server, name)| CataloguePlace { server, name });
    let page = store.catalogue_page(held, place.as_ref(), ON_A_PAGE).await.map_err(store_failed)?;
    let mut lines = Vec::with_capacity(page.items.len());
    for entry in page.items {
        let look = of_entry(store, entry).await.map_err(store_failed)?;
        lines.push(line(&look, store.now()));
    }
    let next = page.next.map(|place| Spot(place.server, place.name));
    let next = paging::next("/console/definitions", "after", next);
    let next = next.map(|next| if held { next } else { format!("{next}&all=1") });
    let content = Definitions { held, lines, one: None, next };
    Ok(Page::new("Definitions", &content).of(&visitor.who).at(Place::Servers).into_response())
}

/// `GET /console/definitions/one?tool=…`
pub async fn show(State(console): State<Shared>, visitor: As<Reads>, RawQuery(query): RawQuery) -> Answer {
    let (server, name) = named(&Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default())?;
    let (store, now) = (&console.store, console.store.now());
    let found = look(store, &server, &name).await.map_err(store_failed)?;
    let look = found.ok_or_else(|| unknown(&format!("`{}` was never listed", name.qualified(&server))))?;
    let rules = console.config.servers.get(&server);
    let text = serde_json::to_string_pretty(&look.listed.value()).unwrap_or_default();
    let shown = |text: &Option<String>| text.as_deref().map(revealed);
    let one = Detail {
        line: line(&look, now),
        what: match name.kind() {
            Kind::Prompt(_) => "this prompt",
            Kind::Template(_) => "this template of resources",
            Kind::Uri(_) | Kind::Resource(_) => "this resource",
            Kind::Words(_) => "itself",
            Kind::Tool(_) | Kind::Unnamed(_) => "this tool",
        },
        is_called: !matches!(name.kind(), Kind::Words(_)),
        digest: look.entry.seen.to_hex(),
        accepted: look.entry.accepted.as_ref().map(|accepted| (accepted.by.clone(), when(now, accepted.at))),
        tier: rules.and_then(|rules| rules.tier(&name)).map(model::Tier::as_str),
        groups: rules.into_iter().flat_map(|rules| rules.groups.of(&name)).map(str::to_owned).collect(),
        suggests: look.proposed().map(model::Tier::as_str),
        is_more: rules.is_some_and(|rules| look.raises(rules).is_some()),
        differences: look
            .differences
            .iter()
            .map(|one| (revealed(&one.place), shown(&one.before), shown(&one.after)))
            .collect(),
        says: revealed(&text),
        csrf: visitor.who.csrf.text(),
        administers: visitor.who.person.holds(Role::Admin),
    };
    let content = Definitions { held: true, lines: Vec::new(), one: Some(one), next: None };
    Ok(Page::new("Definition", &content).of(&visitor.who).at(Place::Servers).into_response())
}

/// `POST /console/definitions/accept` with `tool` and `definition`
pub async fn accept(State(console): State<Shared>, posted: Posted<Administers>) -> Answer {
    let (server, name) = named(&posted.form)?;
    let digest = posted.form.value("definition").and_then(Digest::from_hex);
    let digest = digest.ok_or_else(|| unknown("the form names no definition"))?;
    let actor = Actor::Person(posted.who.person.id.clone());
    orders::accept_definition(&console.store, (&server, &name), digest, &console.policies, actor)
        .await
        .map_err(refused)?;
    told_everywhere(&console.store, &Target::Tool(server, name)).await?;
    Ok(see_other("/console/definitions"))
}

fn line(look: &Look, now: model::Timestamp) -> Line {
    let pin = look.entry.pin();
    Line {
        tool: look.entry.name.qualified(&look.entry.server),
        state: match pin {
            Pin::New | Pin::Unknown => "new",
            Pin::Changed => "changed",
            Pin::Accepted => "accepted",
        },
        is_held: pin != Pin::Accepted,
        since: when(now, look.entry.seen_at),
        notes: look.notes.iter().map(|note| revealed(&note.to_string())).collect(),
        differences: look.differences.len(),
    }
}

fn named(form: &Form) -> Result<(Id<Server>, ToolName), Response> {
    ToolName::of_qualified(form.value("tool").unwrap_or_default()).map_err(|why| unknown(&why))
}

fn unknown(why: &str) -> Response {
    problem(
        StatusCode::NOT_FOUND,
        "There is no such definition",
        &sentence(why),
        "Open the list again from its beginning.",
        None,
    )
}

/// A place in the list, as it stands in the address of a page: `server.tool`.
struct Spot(Id<Server>, ToolName);

impl std::fmt::Display for Spot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.1.qualified(&self.0))
    }
}

impl std::str::FromStr for Spot {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        ToolName::of_qualified(text).map(|(server, name)| Self(server, name))
    }
}
