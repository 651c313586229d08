//! `/console/audit`: the latest records, and how to check that nobody changed one.

use askama::Template;
use axum::{
    Router,
    extract::{RawQuery, State},
    response::IntoResponse,
    routing::get,
};
use model::shown;
use model::{Timestamp, event::EVENTS};
use oauth::Form;
use web::{Page, Place};

use crate::{
    access::{As, Reads},
    context::{Answer, Shared},
    failure::store_failed,
    relative_time::{When, when},
    why,
};
use governance::audit_query::{self, Record};

/// Where it is.
pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/console/audit", get(list))
}

/// Records on a page.
const ON_A_PAGE: usize = 50;
/// The fields that a reader looks for first.
const FIRST: [&str; 10] =
    ["agent", "person", "server", "tool", "scope", "tier", "decision", "policies", "target", "name"];

/// A record as a row.
pub struct Line {
    /// Its index in the log.
    pub index: u64,
    /// The stable word.
    pub event: String,
    /// How the word is coloured: `high` for refusals and revocations, `low` for what was allowed, or nothing.
    pub tone: &'static str,
    /// When.
    pub at: When,
    /// Who.
    pub actor: String,
    /// The rest.
    pub fields: Vec<(String, String)>,
    /// Where it is said why such a call is refused.
    pub why: Option<String>,
}

impl Line {
    /// From a record, at `now`.
    pub fn of(record: &Record, now: Timestamp) -> Self {
        let fields = record.fields.iter().map(|(name, value)| {
            let text = match value.as_array() {
                Some(several) => several.iter().map(plain).collect::<Vec<_>>().join(", "),
                None => plain(value),
            };
            (name.clone(), shown(&text, 200))
        });
        let mut fields: Vec<(String, String)> = fields.collect();
        let place = |name: &str| FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len());
        fields.sort_by(|(a, _), (b, _)| place(a).cmp(&place(b)).then_with(|| a.cmp(b)));
        let tone = match record.event.as_str() {
            "revoked" | "code_replayed" | "refresh_replayed" => "high",
            event if event.ends_with("_refused") || event.ends_with("_denied") => "high",
            "elevation_requested" => "medium",
            event if event.ends_with("_approved") || event.ends_with("_given") => "low",
            _ => "",
        };
        let of_call = (record.event == "call_refused").then_some(());
        let why = of_call.and_then(|()| {
            let (agent, server, tool) = (record.text("agent")?, record.text("server")?, record.text("tool")?);
            Some(why::address(agent, &format!("{server}.{tool}")))
        });
        Self {
            why,
            index: record.index,
            event: shown(&record.event, 40),
            tone,
            at: when(now, record.at),
            actor: shown(&record.actor, 120),
            fields,
        }
    }
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditLog {
    records: Vec<Line>,
    events: Vec<&'static str>,
    event: String,
    who: String,
    older: Option<String>,
    size: u64,
    checkpoint: String,
    verifier_key: String,
    public_url: String,
}

/// `GET /console/audit?event=…&who=…&before=…`
pub async fn list(State(console): State<Shared>, visitor: As<Reads>, RawQuery(query): RawQuery) -> Answer {
    let store = &console.store;
    let now = store.now();
    let form = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let event = form.value("event").unwrap_or_default().to_owned();
    let who = form.value("who").unwrap_or_default().to_owned();
    let before = form.value("before").and_then(|text| text.parse().ok());
    let wanted =
        |record: &Record| (event.is_empty() || record.event == event) && (who.is_empty() || names(record, &who));
    let records = audit_query::latest(store, before, ON_A_PAGE, wanted).await.map_err(store_failed)?;
    let last = records.last().map(|record| record.index).filter(|index| *index > 0 && records.len() == ON_A_PAGE);
    let content = AuditLog {
        records: records.iter().map(|record| Line::of(record, now)).collect(),
        events: EVENTS.iter().map(|event| event.name).collect(),
        older: last.map(|index| older(&event, &who, index)),
        event,
        who,
        size: store.log_size().await.map_err(store_failed)?,
        checkpoint: store.checkpoint().await.map_err(store_failed)?,
        verifier_key: audit::verifier_key(store.log_origin(), &store.log_public_key()),
        public_url: console.config.public_url.as_str().to_owned(),
    };
    Ok(Page::new("Audit log", &content).of(&visitor.who).at(Place::Audit).into_response())
}

/// Does the record name this agent, person or other thing?
fn names(record: &Record, who: &str) -> bool {
    let actor = record.actor.split_once(':').map_or(record.actor.as_str(), |(_, name)| name);
    actor == who || record.actor == who || record.fields.values().any(|value| value.as_str() == Some(who))
}

fn older(event: &str, who: &str, before: u64) -> String {
    form_urlencoded::Serializer::new(String::from("/console/audit?"))
        .append_pair("event", event)
        .append_pair("who", who)
        .append_pair("before", &before.to_string())
        .finish()
}
