//! The audit log, for reading.

use std::slice;

use model::{Actor, Agent, Id, Timestamp, event::CallRefused};
use serde_json::{Map, Value};
use store::{Indexed, Store, StoreError};

/// One record of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its index in the log.
    pub index: u64,
    /// The stable word of what happened.
    pub event: String,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// The rest, by field name.
    pub fields: Map<String, Value>,
}

/// How far back the pages look for something that is not in the newest records.
const LOOK_BACK: u64 = 5_000;
const AT_A_TIME: u32 = 500;

/// The newest records before index `before` (all when `None`) that `wanted` picks, newest first: at most
/// `limit`, from the 5000 records before that index.
pub async fn latest(
    store: &Store,
    before: Option<u64>,
    limit: usize,
    wanted: impl Fn(&Record) -> bool,
) -> Result<Vec<Record>, StoreError> {
    let size = store.log_size().await?;
    let mut end = before.unwrap_or(size).min(size);
    let stop = end.saturating_sub(LOOK_BACK);
    let mut found = Vec::new();
    while end > stop && found.len() < limit {
        let first = end.saturating_sub(AT_A_TIME.into()).max(stop);
        let records = store.records(first, (end - first) as u32).await?;
        found.extend(
            records.iter().rev().filter_map(|(index, bytes)| read(*index, bytes).filter(|record| wanted(record))),
        );
        end = first;
    }
    found.truncate(limit);
    Ok(found)
}

/// The newest records of `agent`, newest first: what it did, and what is about it.
pub async fn latest_of_agent(store: &Store, agent: &Id<Agent>, limit: usize) -> Result<Vec<Record>, StoreError> {
    let pick = |index, bytes: &[u8]| read(index, bytes).filter(|record| record.is_of(agent));
    store.newest_of(Indexed::Agent, slice::from_ref(agent), Timestamp::default(), limit, pick).await
}

/// Calls of `agents` since `since` that were refused because they lack a scope, newest first.
pub(crate) async fn step_ups(
    store: &Store,
    agents: &[Id<Agent>],
    since: Timestamp,
    limit: usize,
    wanted: impl Fn(&Record) -> bool,
) -> Result<Vec<Record>, StoreError> {
    let begins = format!("{{\"event\":\"{}\"", CallRefused::NAME).into_bytes();
    let pick = |index, bytes: &[u8]| {
        let record = bytes.starts_with(&begins).then(|| read(index, bytes)).flatten()?;
        let is_one = record.at > since && record.text("decision") == Some("step_up");
        (is_one && wanted(&record)).then_some(record)
    };
    store.newest_of(Indexed::StepUp, agents, since, limit, pick).await
}

fn read(index: u64, bytes: &[u8]) -> Option<Record> {
    let mut fields: Map<String, Value> = serde_json::from_slice(bytes).ok()?;
    let event = fields.remove("event")?.as_str()?.to_owned();
    let at = Timestamp::from_micros(fields.remove("at")?.as_i64()?);
    let actor = fields.remove("actor")?.as_str()?.to_owned();
    Some(Record { index, event, at, actor, fields })
}

impl Record {
    /// A field that is text.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.as_str()
    }

    /// Did `agent` do it, or is it about that agent?
    fn is_of(&self, agent: &Id<Agent>) -> bool {
        let named = |field| self.text(field) == Some(agent.as_str());
        self.actor == Actor::Agent(agent.clone()).to_string()
            || named("agent")
            || (self.text("target") == Some("agent") && named("name"))
    }
}
