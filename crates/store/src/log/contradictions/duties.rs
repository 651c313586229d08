//! Duties that stand: in whose name, whose, where, and until when.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::{AnyConnection, query};

use super::{
    contradiction::Contradiction,
    record::{Record, in_force},
};
use crate::{error::StoreError, sql::columns::Columns};

/// What the log says about one duty.
#[derive(Default)]
struct Life {
    /// The record that handed it over.
    begun: Option<(u64, Value)>,
    /// The record that ended it.
    ended: Option<u64>,
}

/// What the log says about every duty.
#[derive(Default)]
pub(super) struct Duties(HashMap<String, Life>);

impl Duties {
    pub(super) fn hear(&mut self, record: &Record) {
        let id = record.text("duty");
        match record.event() {
            "duty_delegated" => self.of(id).begun = Some((record.index, record.fields.clone())),
            "duty_ended" => self.of(id).ended = Some(record.index),
            "clock_accepted" => {
                for life in self.0.values_mut() {
                    life.ended.get_or_insert(record.index);
                }
            }
            _ => {}
        }
    }

    fn of(&mut self, id: String) -> &mut Life {
        self.0.entry(id).or_default()
    }

    pub(super) async fn compare(
        &self,
        connection: &mut AnyConnection,
        found: &mut Vec<Contradiction>,
    ) -> Result<(), StoreError> {
        let sql = "SELECT id, from_person, to_person, server, not_after FROM duty WHERE ended_at IS NULL ORDER BY id";
        for row in &query(sql).fetch_all(connection).await? {
            let mut columns = Columns::of("duty", row);
            let (id, from, to) = (columns.text()?, columns.text()?, columns.text()?);
            let (server, not_after) = (columns.optional_text()?, columns.time()?.micros());
            let nothing = Life::default();
            let life = self.0.get(&id).unwrap_or(&nothing);
            let what = format!("duty {id}");
            if !in_force(life.begun.as_ref(), life.ended, &what, found) {
                continue;
            }
            let Some((record, said)) = &life.begun else { continue };
            for (is_so, field) in [
                (said["from"] == *from, "in whose name it is"),
                (said["to"] == *to, "whose it is"),
                (said["server"].as_str() == server.as_deref(), "its server"),
                (said["not_after"].as_i64().is_some_and(|until| not_after <= until), "its end"),
            ] {
                if !is_so {
                    found.push(Contradiction::Differs { what: what.clone(), field, record: *record });
                }
            }
        }
        Ok(())
    }
}
