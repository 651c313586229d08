//! Tasks that stand: whose, for what, until when, for how many calls, and whether anything may be called in them.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::{AnyConnection, query};

use super::{
    contradiction::Contradiction,
    record::{Record, in_force},
};
use crate::{error::StoreError, sql::columns::Columns};

/// What the log says about one task.
#[derive(Default)]
struct Life {
    /// The record that opened it.
    opened: Option<(u64, Value)>,
    /// The record after which nothing may be called in it.
    proposed: Option<u64>,
    /// The record that ended it.
    ended: Option<u64>,
    uses: u64,
}

/// What the log says about every task.
#[derive(Default)]
pub(super) struct Tasks(HashMap<String, Life>);

impl Tasks {
    pub(super) fn hear(&mut self, record: &Record) {
        let id = record.text("task");
        match record.event() {
            "task_opened" => self.of(id).opened = Some((record.index, record.fields.clone())),
            "task_proposed_complete" => self.of(id).proposed = Some(record.index),
            "task_ended" => self.of(id).ended = Some(record.index),
            "call_decided" if !id.is_empty() => self.of(id).uses += 1,
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
        let sql = "SELECT id, state, agent, person, purpose, digest, deadline, idle, max_uses, uses FROM task
                   WHERE state <> 'ended' ORDER BY id";
        for row in &query(sql).fetch_all(connection).await? {
            let mut columns = Columns::of("task", row);
            let (id, state, agent) = (columns.text()?, columns.text()?, columns.text()?);
            let (person, purpose, digest) = (columns.optional_text()?, columns.text()?, columns.text()?);
            let (deadline, idle) = (columns.time()?.micros(), columns.number::<u64>()?);
            let (max_uses, uses) = (columns.optional_number::<u64>()?, columns.number::<u64>()?);
            let nothing = Life::default();
            let life = self.0.get(&id).unwrap_or(&nothing);
            let what = format!("task {id}");
            let ended = if state == "open" { life.ended.or(life.proposed) } else { life.ended };
            if !in_force(life.opened.as_ref(), ended, &what, found) {
                continue;
            }
            let Some((record, said)) = &life.opened else { continue };
            for (is_so, field) in [
                (said["agent"] == *agent, "its agent"),
                (said["person"].as_str() == person.as_deref(), "its person"),
                (said["purpose"] == *purpose && said["task_digest"] == *digest, "its purpose"),
                (said["deadline"].as_i64().is_some_and(|until| deadline <= until), "its end"),
                (said["idle"].as_u64() == Some(idle), "its idle time"),
                (said["max_uses"].as_u64() == max_uses, "the number of its uses"),
            ] {
                if !is_so {
                    found.push(Contradiction::Differs { what: what.clone(), field, record: *record });
                }
            }
            if uses < life.uses {
                found.push(Contradiction::Uses { what, counted: uses, logged: life.uses });
            }
        }
        Ok(())
    }
}
