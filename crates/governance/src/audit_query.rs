//! The audit log, for reading.

use std::collections::HashMap;

use model::Timestamp;
use serde::Deserialize;
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
    let pick = |index, bytes: &[u8]| read(index, bytes).filter(|record| wanted(record));
    picked(store, before, limit, pick).await
}

/// The same among those that have `name` somewhere in them. The others are not even parsed.
pub async fn latest_naming(
    store: &Store,
    name: &str,
    limit: usize,
    wanted: impl Fn(&Record) -> bool,
) -> Result<Vec<Record>, StoreError> {
    let names = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok_and(|text| text.contains(name));
    let pick = |index, bytes: &[u8]| names(bytes).then(|| read(index, bytes)).flatten().filter(|record| wanted(record));
    picked(store, None, limit, pick).await
}

/// The same among those of one event. The others are not even parsed.
pub async fn latest_of(
    store: &Store,
    event: &str,
    limit: usize,
    wanted: impl Fn(&Record) -> bool,
) -> Result<Vec<Record>, StoreError> {
    let begins = beginning(event);
    let pick = |index, bytes: &[u8]| {
        bytes.starts_with(&begins).then(|| read(index, bytes)).flatten().filter(|record| wanted(record))
    };
    picked(store, None, limit, pick).await
}

/// When each agent last had a call decided, as far as the newest records say.
pub async fn last_calls(store: &Store) -> Result<HashMap<String, Timestamp>, StoreError> {
    /// So much of a record is read.
    #[derive(Deserialize)]
    struct Call {
        at: i64,
        agent: Option<String>,
    }
    let begins = beginning("call_decided");
    let pick =
        |_, bytes: &[u8]| bytes.starts_with(&begins).then(|| serde_json::from_slice::<Call>(bytes).ok()).flatten();
    let mut last = HashMap::new();
    for Call { at, agent } in picked(store, None, usize::MAX, pick).await? {
        if let Some(agent) = agent {
            last.entry(agent).or_insert(Timestamp::from_micros(at));
        }
    }
    Ok(last)
}

/// What `pick` makes of the newest records before index `before`, newest first.
async fn picked<T>(
    store: &Store,
    before: Option<u64>,
    limit: usize,
    pick: impl Fn(u64, &[u8]) -> Option<T>,
) -> Result<Vec<T>, StoreError> {
    let size = store.log_size().await?;
    let mut end = before.unwrap_or(size).min(size);
    let stop = end.saturating_sub(LOOK_BACK);
    let mut found = Vec::new();
    while end > stop && found.len() < limit {
        let first = end.saturating_sub(AT_A_TIME.into()).max(stop);
        let records = store.records(first, (end - first) as u32).await?;
        found.extend(records.iter().rev().filter_map(|(index, bytes)| pick(*index, bytes)));
        end = first;
    }
    found.truncate(limit);
    Ok(found)
}

/// How every record of an event begins.
fn beginning(event: &str) -> Vec<u8> {
    format!("{{\"event\":\"{event}\"").into_bytes()
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
