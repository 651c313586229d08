//! Elevations that are in force, and those that wait: of which grant, for what, how long, how often, and since when.
//!
//! Its instants count too: a block ends what was asked for, or decided, before it.

use std::collections::HashMap;

use model::{ExactCall, Quorum, event::MayDiffer};
use serde_json::Value;
use sqlx::{AnyConnection, query};

use super::{
    contradiction::Contradiction,
    record::{Record, in_force},
};
use crate::{error::StoreError, sql::columns::Columns};

/// What a record said that is compared.
struct Said {
    record: u64,
    at: i64,
    fields: Value,
}

impl Said {
    fn of(record: &Record) -> Self {
        Self { record: record.index, at: record.at.micros(), fields: record.fields.clone() }
    }
}

/// What the log says about one elevation.
#[derive(Default)]
struct Life {
    asked: Option<Said>,
    /// The newest record of an approval that was not enough by itself.
    approved: Option<Said>,
    /// The record that put it in force.
    begun: Option<Said>,
    /// The record that ended it.
    ended: Option<u64>,
    uses: u64,
}

/// What the log says about every elevation.
#[derive(Default)]
pub(super) struct Elevations(HashMap<String, Life>);

impl Elevations {
    pub(super) fn hear(&mut self, record: &Record) {
        let id = record.text("elevation");
        match record.event() {
            "elevation_requested" => self.of(id).asked = Some(Said::of(record)),
            "approval_given" => self.of(id).approved = Some(Said::of(record)),
            "elevation_approved" => self.of(id).begun = Some(Said::of(record)),
            "elevation_ended" | "elevation_denied" => self.of(id).ended = Some(record.index),
            "call_decided" if !id.is_empty() => self.of(id).uses += 1,
            "elevation_use_returned" => {
                let life = self.of(id);
                life.uses = life.uses.saturating_sub(1);
                // What its last use ended goes on when that use was never made.
                if record.optional("state").is_none_or(|state| state == "active") {
                    life.ended = None;
                }
            }
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
        let sql =
            "SELECT id, state, grant_id, scope, exact_call, requested_at, decided_by, decided_at, lasts, not_after, max_uses, uses, task, quorum
                   FROM elevation WHERE state IN ('requested', 'active') ORDER BY id";
        for row in &query(sql).fetch_all(connection).await? {
            let mut columns = Columns::of("elevation", row);
            let (id, state) = (columns.text()?, columns.text()?);
            let row = Row {
                grant: columns.text()?,
                scope: columns.text()?,
                call: columns.optional_json()?,
                requested_at: columns.time()?.micros(),
                decided_by: columns.optional_text()?,
                decided_at: columns.optional_time()?.map(model::Timestamp::micros),
                lasts: columns.number()?,
                not_after: columns.optional_time()?.map(model::Timestamp::micros),
                max_uses: columns.number()?,
                uses: columns.number()?,
                task: columns.optional_text()?,
                quorum: columns.optional_json()?.unwrap_or_default(),
            };
            let nothing = Life::default();
            let life = self.0.get(&id).unwrap_or(&nothing);
            if state == "active" {
                row.stands(&format!("elevation {id}"), life, found);
            } else {
                row.waits(&format!("the request of elevation {id}"), life, found);
            }
        }
        Ok(())
    }
}

/// An elevation as the database has it.
struct Row {
    grant: String,
    scope: String,
    call: Option<ExactCall>,
    requested_at: i64,
    decided_by: Option<String>,
    decided_at: Option<i64>,
    lasts: u64,
    not_after: Option<i64>,
    max_uses: u64,
    uses: u64,
    task: Option<String>,
    quorum: Quorum,
}

impl Row {
    fn stands(&self, what: &str, life: &Life, found: &mut Vec<Contradiction>) {
        if !in_force(life.begun.as_ref(), life.ended, what, found) {
            return;
        }
        let Some(said) = &life.begun else { return };
        self.is_what(what, said, found);
        let longest = said.at + said.fields["lasts"].as_i64().unwrap_or(0) * 1_000_000;
        // Without a request it was consented to, and began at once.
        let asked = life.asked.as_ref().unwrap_or(said);
        let by = said.fields["decided_by"].as_str();
        let by = by.or_else(|| said.fields["actor"].as_str().and_then(|actor| actor.strip_prefix("person:")));
        for (is_so, field, record) in [
            (self.not_after.unwrap_or_default() <= longest, "its end", said.record),
            (self.requested_at == asked.at, "when it was asked for", asked.record),
            (self.decided_at == Some(said.at), "when it was decided", said.record),
            (by.is_none() || by == self.decided_by.as_deref(), "who decided it", said.record),
            (self.is_of(&asked.fields["approvals"]), "how many must approve it", asked.record),
            (self.is_by(&said.fields["approvers"]), "who approved it", said.record),
            (self.differs_as(&said.fields["may_differ"]), "what of its call may differ", said.record),
        ] {
            if !is_so {
                found.push(Contradiction::Differs { what: what.to_owned(), field, record });
            }
        }
        if self.uses < life.uses {
            let (counted, logged) = (self.uses, life.uses);
            found.push(Contradiction::Uses { what: what.to_owned(), counted, logged });
        }
    }

    /// Who decides on it sees what the row says.
    fn waits(&self, what: &str, life: &Life, found: &mut Vec<Contradiction>) {
        let ended = life.ended.or(life.begun.as_ref().map(|begun| begun.record));
        if !in_force(life.asked.as_ref(), ended, what, found) {
            return;
        }
        let Some(said) = &life.asked else { return };
        let approved = life.approved.as_ref().map_or(&Value::Null, |approved| &approved.fields);
        self.is_what(what, said, found);
        for (is_so, field) in [
            (said.fields["lasts"].as_u64().is_none_or(|asked| self.lasts <= asked), "its length"),
            (self.requested_at == said.at, "when it was asked for"),
            (self.is_of(&said.fields["approvals"]), "how many must approve it"),
            (self.is_by(&approved["approvers"]), "who has approved it"),
            (
                self.quorum.wrong_numbers.is_some() == said.fields["number_matching"].as_bool().unwrap_or(false),
                "whether its number has to be typed",
            ),
        ] {
            if !is_so {
                found.push(Contradiction::Differs { what: what.to_owned(), field, record: said.record });
            }
        }
    }

    /// Does it take as many people as the log says?
    fn is_of(&self, said: &Value) -> bool {
        u64::from(self.quorum.needed) == said.as_u64().unwrap_or(1)
    }

    /// Are those who approved it the ones that the log names?
    fn is_by(&self, said: &Value) -> bool {
        let named: Vec<_> = said.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        named == self.quorum.given.iter().map(|yes| yes.by.as_str()).collect::<Vec<_>>()
    }

    /// The log says which call it is good for; which installation may make it stands with the code that was issued.
    fn is_the_call(&self, said: &Value) -> bool {
        let Some(call) = &self.call else { return said.is_null() };
        said["asked"] == *call.asked.as_str()
            && said["arguments"] == *call.arguments
            && said["definition"].as_str() == call.definition.as_deref()
    }

    /// Are the arguments that may differ those that the log names?
    fn differs_as(&self, said: &Value) -> bool {
        let latitude = self.call.as_ref().and_then(|call| call.latitude.as_ref());
        match latitude {
            None => said.is_null(),
            Some(latitude) => serde_json::to_value(MayDiffer::of(latitude)).is_ok_and(|stored| stored == *said),
        }
    }

    fn is_what(&self, what: &str, said: &Said, found: &mut Vec<Contradiction>) {
        for (is_so, field) in [
            (said.fields["grant"] == *self.grant, "its grant"),
            (said.fields["scope"] == *self.scope, "its scope"),
            (self.is_the_call(&said.fields["call"]), "the call that it is good for"),
            (said.fields["task"].as_str() == self.task.as_deref(), "its task"),
            (
                said.fields["max_uses"].as_u64().is_some_and(|allowed| self.max_uses <= allowed),
                "the number of its uses",
            ),
        ] {
            if !is_so {
                found.push(Contradiction::Differs { what: what.to_owned(), field, record: said.record });
            }
        }
    }
}
