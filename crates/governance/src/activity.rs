//! The audit log, for reading.

use std::collections::HashMap;

use model::Timestamp;
use serde_json::{Map, Value};
use store::{Store, StoreError};

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
            records.iter().rev().filter_map(|(index, bytes)| read(*index, bytes)).filter(|record| wanted(record)),
        );
        end = first;
    }
    found.truncate(limit);
    Ok(found)
}

/// When each agent last had a call decided, as far as the newest records say.
pub async fn last_calls(store: &Store) -> Result<HashMap<String, Timestamp>, StoreError> {
    let mut last = HashMap::new();
    for record in latest(store, None, usize::MAX, |record| record.event == "call_decided").await? {
        if let Some(agent) = record.text("agent") {
            last.entry(agent.to_owned()).or_insert(record.at);
        }
    }
    Ok(last)
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
}
