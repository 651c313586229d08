//! Keys that sign access tokens: which there are, and from when to when each is believed.

use std::collections::HashMap;

use model::Timestamp;
use sqlx::{AnyConnection, query};

use super::{contradiction::Contradiction, record::Record};
use crate::{error::StoreError, sql::columns::Columns, tables::access_keys::ACCESS};

/// What the log says about one key. Its times are those of the log, in whole seconds.
struct Life {
    record: u64,
    made: Timestamp,
    /// `None` for the first key, which signs from ever.
    signs_from: Option<String>,
    /// The record that gave it an end, and that.
    gone: Option<(u64, String)>,
}

/// What the log says about every key.
#[derive(Default)]
pub(super) struct Keys {
    lives: HashMap<String, Life>,
    /// What the log is called, which its own key is called too.
    origin: Option<String>,
}

impl Keys {
    pub(super) fn hear(&mut self, record: &Record) {
        match record.event() {
            "log_started" => self.origin = record.optional("origin"),
            "key_made" if record.fields["purpose"] == ACCESS => {
                if let Some(end) = record.optional("old_gone_at") {
                    for life in self.lives.values_mut() {
                        if life.gone.as_ref().is_none_or(|(_, gone)| *gone > end) {
                            life.gone = Some((record.index, end.clone()));
                        }
                    }
                }
                let life = Life {
                    record: record.index,
                    made: record.at,
                    signs_from: record.optional("signs_from"),
                    gone: None,
                };
                self.lives.insert(record.text("key"), life);
            }
            "clock_accepted" => {
                for life in self.lives.values_mut() {
                    life.made = life.made.min(record.at);
                }
            }
            _ => {}
        }
    }

    pub(super) async fn compare(
        &self,
        connection: &mut AnyConnection,
        found: &mut Vec<Contradiction>,
    ) -> Result<(), StoreError> {
        let mut gone: HashMap<&str, &Life> = self.lives.iter().map(|(kid, life)| (kid.as_str(), life)).collect();
        let sql = "SELECT name, purpose, made_at, signs_from, gone_at FROM signing_key ORDER BY purpose, name";
        for row in &query(sql).fetch_all(connection).await? {
            let mut columns = Columns::of("signing key", row);
            let (name, purpose) = (columns.text()?, columns.text()?);
            let (made, signs_from, end) = (columns.time()?, columns.time()?, columns.optional_time()?);
            let what = format!("{purpose} key {name}");
            let Some(life) = self.lives.get(&name).filter(|_| purpose == ACCESS) else {
                if purpose == ACCESS || self.origin.as_ref().is_some_and(|origin| *origin != name) {
                    found.push(Contradiction::Unaccounted { what });
                }
                continue;
            };
            gone.remove(name.as_str());
            let said_from = life.signs_from.clone().unwrap_or_else(|| Timestamp::default().to_string());
            let (ended, said_end) = life.gone.as_ref().map_or((life.record, None), |(at, end)| (*at, Some(end)));
            for (is_so, field, record) in [
                (made == life.made, "when it was made", life.record),
                (signs_from.to_string() == said_from, "when it begins to sign", life.record),
                (end.map(|end| end.to_string()).as_ref() == said_end, "its end", ended),
            ] {
                if !is_so {
                    found.push(Contradiction::Differs { what: what.clone(), field, record });
                }
            }
        }
        let mut gone: Vec<_> = gone.into_iter().map(|(kid, life)| (kid, life.record)).collect();
        gone.sort_unstable_by_key(|(_, record)| *record);
        found.extend(
            gone.into_iter().map(|(kid, record)| Contradiction::Gone { what: format!("access key {kid}"), record }),
        );
        Ok(())
    }
}
