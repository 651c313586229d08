//! `/console/why?agent=…&tool=…`: why a call is decided as it is, and what would have to be true. Each refusal leads here.
//!
//! For auditors, and for whoever answers for the agent. It says what is so now; a record says what was so then.

use askama::Template;
use axum::{
    Router,
    extract::{RawQuery, State},
    response::IntoResponse,
    routing::get,
};
use model::{Agent, Id, Role, Target, shown};
use oauth::Form;
use privilege::authority::{Excepted, explain::With};
use web::{Page, Place};

use crate::{
    access::{Anyone, As},
    context::{Answer, Shared},
    failure::{not_found, store_failed},
};
use governance::explanation::{NotExplained, explanation, held, said};

/// Where it is.
pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/console/why", get(show))
}

#[derive(Template)]
#[template(path = "why.html")]
struct Why {
    agent: String,
    tool: String,
    tier: &'static str,
    so: String,
    hurdles: Vec<String>,
    /// With what, what policy says, and by which policies.
    with: Vec<(&'static str, String, String)>,
    depends_on_arguments: bool,
    version: String,
}

/// `GET /console/why?agent=…&tool=…`
pub async fn show(State(console): State<Shared>, visitor: As<Anyone>, RawQuery(query): RawQuery) -> Answer {
    let (store, who) = (&console.store, &visitor.who);
    let form = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let (name, tool) = (form.value("agent").unwrap_or_default(), form.value("tool").unwrap_or_default());
    let no_agent = || not_found("agent", &shown(name, 128));
    let no_tool = || not_found("tool", &shown(tool, 160));
    let id: Id<Agent> = name.parse().map_err(|_| no_agent())?;
    let agent = store.agent(&id).await.map_err(store_failed)?.ok_or_else(no_agent)?;
    // Whoever has nothing to do with it learns not even whether it exists.
    if !who.person.holds(Role::Auditor) && agent.owner != who.person.id {
        return Err(no_agent());
    }
    let Ok(Target::Tool(server, called)) = Target::parse("tool", tool) else { return Err(no_tool()) };
    let of = (store, &*console.config, &*console.policies);
    let excepted = Excepted::of(store, &console.policies, &agent.id, &server);
    let explained = match explanation(of, (&agent, &excepted), (&server, called), With::Any).await {
        Ok(explained) => explained,
        Err(NotExplained::Store(error)) => return Err(store_failed(error)),
        Err(NotExplained::NoServer(_) | NotExplained::Untyped(_)) => return Err(no_tool()),
    };
    let with = explained.with.iter().map(|one| {
        let (word, by) = said(one);
        (held(one.holds), word, by)
    });
    let content = Why {
        agent: agent.id.to_string(),
        tool: shown(tool, 160),
        tier: explained.tier.as_str(),
        with: with.collect(),
        so: explained.so,
        hurdles: explained.hurdles,
        depends_on_arguments: explained.depends_on_arguments,
        version: console.policies.fingerprint().to_string(),
    };
    let place = if who.person.holds(Role::Auditor) { Place::Agents } else { Place::Me };
    Ok(Page::new("Why?", &content).of(who).at(place).into_response())
}

/// The address of the page about a call of `tool` by `agent`.
pub fn address(agent: &str, tool: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    format!("/console/why?{}", query.append_pair("agent", agent).append_pair("tool", tool).finish())
}
