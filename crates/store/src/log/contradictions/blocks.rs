//! Blocks: what stands, what was lifted, and since when.
//!
//! The record of a revocation and its row are made at the same time, so the time of the one is the time in the other.
//! A row that was lifted still stops what was issued before it, and so does its time: both are compared as well.

use std::collections::HashMap;

use model::{Installation, Span, Target, Timestamp};
use sqlx::{AnyConnection, query};

use super::{contradiction::Contradiction, record::Record};
use crate::{error::StoreError, sql::columns::Columns};

/// An older version took the time of the row a moment before that of its record.
const OLDER_ROWS: Span = Span::from_seconds(60);

/// What the log says about the revocation of one thing.
struct Revoked {
    record: u64,
    since: Timestamp,
    /// From a version that took the time of the row before.
    is_older: bool,
    reason: Option<String>,
    lifted: Option<(u64, Timestamp)>,
    /// Its row may be gone, because nothing was left that it could stop.
    may_be_gone: bool,
}

/// What the log says about everything that was ever revoked, by kind and name.
#[derive(Default)]
pub(super) struct Blocks(HashMap<(String, String), Revoked>);

impl Blocks {
    pub(super) fn hear(&mut self, record: &Record) {
        let kind = match record.event() {
            "installation_ended" => return self.revoked("installation".into(), record.text("installation"), record),
            "clock_accepted" => return self.put_right(record),
            "revoked" | "restored" => record.text("target"),
            _ => return,
        };
        match (record.event(), kind.as_str()) {
            // Its grant ends, and there is no block.
            (_, "grant") => {}
            ("revoked", _) => self.revoked(kind, record.text("name"), record),
            _ => {
                if let Some(revoked) = self.0.get_mut(&(kind, record.text("name"))) {
                    revoked.lifted = Some((record.index, record.at));
                }
            }
        }
    }

    fn revoked(&mut self, kind: String, name: String, record: &Record) {
        let revoked = Revoked {
            record: record.index,
            since: record.at,
            is_older: record.has("grants_ended"),
            reason: if kind == "installation" { None } else { record.optional("reason") },
            lifted: None,
            may_be_gone: false,
        };
        self.0.insert((kind, name), revoked);
    }

    /// Times that were later than the clock are that of the clock, and what was forgotten before that is gone.
    fn put_right(&mut self, record: &Record) {
        for ((kind, _), revoked) in &mut self.0 {
            revoked.may_be_gone |= is_forgotten(kind, revoked.since, record.before);
            revoked.since = revoked.since.min(record.at);
            if let Some((_, at)) = &mut revoked.lifted {
                *at = record.at.min(*at);
            }
        }
    }

    pub(super) async fn compare(
        &self,
        connection: &mut AnyConnection,
        latest: Timestamp,
        found: &mut Vec<Contradiction>,
    ) -> Result<(), StoreError> {
        let sql = "SELECT kind, name, since, reason, lifted_at FROM block ORDER BY kind, name";
        let mut seen = HashMap::new();
        for row in &query(sql).fetch_all(connection).await? {
            let mut columns = Columns::of("block", row);
            let target = (columns.text()?, columns.text()?);
            let row = Row { since: columns.time()?, reason: columns.text()?, lifted_at: columns.optional_time()? };
            match self.0.get(&target) {
                None => found.push(Contradiction::Unaccounted { what: format!("the block on {}", named(&target)) }),
                Some(revoked) => row.compare(&target, revoked, found),
            }
            seen.insert(target, ());
        }
        let mut gone: Vec<_> = self.0.iter().filter(|(target, _)| !seen.contains_key(*target)).collect();
        gone.sort_unstable_by_key(|(_, revoked)| revoked.record);
        for (target, revoked) in gone {
            let (what, record) = (named(target), revoked.record);
            match revoked.lifted {
                _ if revoked.may_be_gone || is_forgotten(&target.0, revoked.since, latest) => {}
                None => found.push(Contradiction::RevocationGone { what, record }),
                Some(_) => found.push(Contradiction::LiftedGone { what, record }),
            }
        }
        Ok(())
    }
}

/// A block as the database has it.
struct Row {
    since: Timestamp,
    reason: String,
    lifted_at: Option<Timestamp>,
}

impl Row {
    fn compare(&self, target: &(String, String), revoked: &Revoked, found: &mut Vec<Contradiction>) {
        let differs =
            |field, record| Contradiction::Differs { what: format!("the block on {}", named(target)), field, record };
        let earliest = if revoked.is_older { revoked.since.before(OLDER_ROWS) } else { revoked.since };
        if self.since < earliest || self.since > revoked.since {
            found.push(differs("its beginning", revoked.record));
        }
        if revoked.reason.as_ref().is_some_and(|reason| *reason != self.reason) {
            found.push(differs("its reason", revoked.record));
        }
        match (self.lifted_at, revoked.lifted) {
            (Some(_), None) => {
                found.push(Contradiction::RevocationGone { what: named(target), record: revoked.record });
            }
            (lifted_at, Some((record, at))) if lifted_at != Some(at) => {
                found.push(differs("when it was lifted", record));
            }
            _ => {}
        }
    }
}

/// Was a row of that kind deleted by then, because nothing was left that it could stop?
fn is_forgotten(kind: &str, since: Timestamp, latest: Timestamp) -> bool {
    kind == "installation" && since.after(Installation::BLOCKED_FOR) <= latest
}

/// As [`Target`] says it.
fn named((kind, name): &(String, String)) -> String {
    match Target::parse(kind, name) {
        Ok(target) => target.to_string(),
        Err(_) => format!("{kind} {name}"),
    }
}
