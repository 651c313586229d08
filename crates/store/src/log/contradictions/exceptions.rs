//! Exceptions that stand: of which policy, for whom, where, by whose word, and until when.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::{AnyConnection, query};

use super::{
    contradiction::Contradiction,
    record::{Record, in_force},
};
use crate::{error::StoreError, sql::columns::Columns};

/// What the log says about one exception.
#[derive(Default)]
struct Life {
    /// The record that added it.
    added: Option<(u64, Value)>,
    /// The record that ended it.
    ended: Option<u64>,
}

/// What the log says about every exception.
#[derive(Default)]
pub(super) struct Exceptions(HashMap<String, Life>);

impl Exceptions {
    pub(super) fn hear(&mut self, record: &Record) {
        let id = record.text("exception");
        match record.event() {
            "exception_added" => {
                self.0.entry(id).or_default().added = Some((record.index, record.fields.clone()));
            }
            "exception_ended" => self.0.entry(id).or_default().ended = Some(record.index),
            "clock_accepted" => {
                for life in self.0.values_mut() {
                    life.ended.get_or_insert(record.index);
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
        let sql = "SELECT id, name, agent, server, owner, not_after FROM policy_exception WHERE ended_at IS NULL
                   ORDER BY id";
        for row in &query(sql).fetch_all(connection).await? {
            let mut columns = Columns::of("exception", row);
            let (id, name, agent) = (columns.text()?, columns.text()?, columns.text()?);
            let (server, owner, not_after) = (columns.optional_text()?, columns.text()?, columns.time()?.micros());
            let nothing = Life::default();
            let life = self.0.get(&id).unwrap_or(&nothing);
            let what = format!("exception {id}");
            if !in_force(life.added.as_ref(), life.ended, &what, found) {
                continue;
            }
            let Some((record, said)) = &life.added else { continue };
            for (is_so, field) in [
                (said["name"] == *name, "its name"),
                (said["agent"] == *agent, "its agent"),
                (said["server"].as_str() == server.as_deref(), "its server"),
                (said["owner"] == *owner, "its owner"),
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
