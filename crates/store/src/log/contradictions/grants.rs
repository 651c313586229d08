//! Grants that stand: whose, for whom, on what, how much, since when and until when.

use std::collections::HashMap;

use model::Timestamp;
use serde_json::Value;
use sqlx::{AnyConnection, query};

use super::{
    contradiction::Contradiction,
    record::{Record, in_force},
};
use crate::{error::StoreError, sql::columns::Columns};

/// What the log says about one grant.
struct Life {
    /// When it was made: a block that is younger ends it.
    made: (u64, Timestamp),
    /// The record that says how it is now.
    said: (u64, Value),
    ended: Option<u64>,
}

/// What the log says about every grant.
#[derive(Default)]
pub(super) struct Grants {
    lives: HashMap<String, Life>,
    /// The newest of each agent on each server. There is one that stands.
    newest: HashMap<(String, String), String>,
    /// Who answers for an agent.
    owners: HashMap<String, String>,
}

impl Grants {
    pub(super) fn hear(&mut self, record: &Record) {
        match record.event() {
            "grant_made" => self.made(record),
            "revoked" if record.fields["target"] == "grant" => {
                if let Some(life) = self.lives.get_mut(&record.text("name")) {
                    life.ended = Some(record.index);
                }
            }
            "agent_registered" | "agent_changed" => {
                let agent = record.text("agent");
                if record.fields["state"] == "retired" {
                    self.end(record.index, |_, said| said["agent"] == *agent);
                }
                if let Some(owner) = record.optional("owner") {
                    self.owners.insert(agent, owner);
                }
            }
            // Who comes back under the name may be somebody else.
            "person_changed" if record.has("grants_ended") => {
                let person = record.text("person");
                let owners = std::mem::take(&mut self.owners);
                let is_theirs = |said: &Value| {
                    let owner = said["agent"].as_str().and_then(|agent| owners.get(agent));
                    said["person"] == *person || owner == Some(&person)
                };
                self.end(record.index, |_, said| is_theirs(said));
                self.owners = owners;
            }
            "clock_accepted" => self.end(record.index, |made, _| made > record.at),
            _ => {}
        }
    }

    fn made(&mut self, record: &Record) {
        let id = record.text("grant");
        let place = (record.text("agent"), record.text("server"));
        let before = self.newest.insert(place, id.clone()).filter(|before| *before != id);
        // It had expired, or was stopped: one takes the place of the other.
        if let Some(before) = before.and_then(|before| self.lives.get_mut(&before)) {
            before.ended.get_or_insert(record.index);
        }
        let said = (record.index, record.fields.clone());
        match self.lives.get_mut(&id) {
            Some(life) => life.said = said,
            None => {
                self.lives.insert(id, Life { made: (record.index, record.at), said, ended: None });
            }
        }
    }

    fn end(&mut self, record: u64, which: impl Fn(Timestamp, &Value) -> bool) {
        for life in self.lives.values_mut().filter(|life| which(life.made.1, &life.said.1)) {
            life.ended.get_or_insert(record);
        }
    }

    pub(super) async fn compare(
        &self,
        connection: &mut AnyConnection,
        found: &mut Vec<Contradiction>,
    ) -> Result<(), StoreError> {
        let sql = "SELECT id, agent, person, server, scopes, created_at, not_after FROM agent_grant
                   WHERE ended_at IS NULL ORDER BY id";
        for row in &query(sql).fetch_all(connection).await? {
            let mut columns = Columns::of("grant", row);
            let (id, agent, person) = (columns.text()?, columns.text()?, columns.optional_text()?);
            let (server, scopes) = (columns.text()?, columns.text()?);
            let (created_at, end) = (columns.time()?, columns.time()?);
            let what = format!("grant {id}");
            let life = self.lives.get(&id);
            if !in_force(life, life.and_then(|life| life.ended), &what, found) {
                continue;
            }
            let Some(Life { made, said: (record, said), .. }) = life else { continue };
            for (field, stored, said) in [
                ("its agent", Some(agent), &said["agent"]),
                ("its person", person, &said["person"]),
                ("its server", Some(server), &said["server"]),
                ("what it allows", Some(scopes), &said["scope"]),
                ("its end", Some(end.to_string()), &said["not_after"]),
            ] {
                if stored.as_deref() != said.as_str() {
                    found.push(Contradiction::Differs { what: what.clone(), field, record: *record });
                }
            }
            if created_at != made.1 {
                found.push(Contradiction::Differs { what, field: "when it was made", record: made.0 });
            }
        }
        Ok(())
    }
}
