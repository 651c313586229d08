//! What stands in the database, compared with what the signed log says.
//!
//! The log is signed, the tables are not: whoever can write to the database can wake an elevation that ended,
//! lengthen a grant or delete a block, and a node believes it. Nothing here prevents that (SECURITY.md says what
//! the database is trusted with); this names it to whoever verifies the log afterwards.
//!
//! Each kind of thing listens to the log by itself, and then looks at its own rows. What a log that was begun by an
//! older version never said is not held against its database.
//!
//! Next: [`crate::verify()`], which asks for this in the same snapshot.

mod agents;
mod blocks;
mod contradiction;
mod definitions;
mod duties;
mod elevations;
mod exceptions;
mod grants;
mod installations;
mod keys;
mod people;
pub(crate) mod record;
mod tasks;

use model::Timestamp;
use serde_json::Value;
use sqlx::AnyConnection;

pub use contradiction::Contradiction;
use record::Record;

use crate::{error::StoreError, log::rows};

/// Everything in the database that the log contradicts. The caller holds one snapshot, and has verified the log in it.
pub(crate) async fn contradictions(connection: &mut AnyConnection) -> Result<Vec<Contradiction>, StoreError> {
    let mut told = Told::default();
    let mut next = 0;
    loop {
        let records = rows::records(connection, next, AT_ONCE).await?;
        let Some((last, _)) = records.last() else { break };
        next = last + 1;
        for (index, record) in &records {
            told.hear(*index, record);
        }
    }
    let mut found = Vec::new();
    told.elevations.compare(connection, &mut found).await?;
    told.grants.compare(connection, &mut found).await?;
    told.blocks.compare(connection, told.latest, &mut found).await?;
    told.installations.compare(connection, &mut found).await?;
    told.agents.compare(connection, &mut found).await?;
    told.people.compare(connection, &mut found).await?;
    told.keys.compare(connection, &mut found).await?;
    told.tasks.compare(connection, &mut found).await?;
    told.duties.compare(connection, &mut found).await?;
    told.exceptions.compare(connection, &mut found).await?;
    told.definitions.compare(connection, &mut found).await?;
    Ok(found)
}

/// How many records are read at a time.
const AT_ONCE: u32 = 4096;

/// What the log says, as far as it matters here.
#[derive(Default)]
struct Told {
    elevations: elevations::Elevations,
    grants: grants::Grants,
    blocks: blocks::Blocks,
    installations: installations::Installations,
    agents: agents::Agents,
    people: people::People,
    keys: keys::Keys,
    tasks: tasks::Tasks,
    duties: duties::Duties,
    exceptions: exceptions::Exceptions,
    definitions: definitions::Definitions,
    /// The time of the last change, which never goes back but by `clock accept`.
    latest: Timestamp,
}

impl Told {
    fn hear(&mut self, index: u64, record: &[u8]) {
        let before = self.latest;
        if let Some(at) = time_of(record) {
            self.latest = at;
        }
        if !EVENTS.iter().any(|event| record.strip_prefix(BEGINS).is_some_and(|rest| rest.starts_with(event))) {
            return;
        }
        let Ok(fields) = serde_json::from_slice::<Value>(record) else { return };
        let record = Record { index, at: self.latest, before, fields };
        self.elevations.hear(&record);
        self.grants.hear(&record);
        self.blocks.hear(&record);
        self.installations.hear(&record);
        self.agents.hear(&record);
        self.people.hear(&record);
        self.keys.hear(&record);
        self.tasks.hear(&record);
        self.duties.hear(&record);
        self.exceptions.hear(&record);
        self.definitions.hear(&record);
    }
}

/// How every record begins.
const BEGINS: &[u8] = b"{\"event\":\"";

/// How the names of the events begin that are listened to.
const EVENTS: [&[u8]; 17] = [
    b"approval_given\"",
    b"agent_changed\"",
    b"agent_registered\"",
    b"call_decided\"",
    b"clock_accepted\"",
    b"definition_accepted\"",
    b"duty_",
    b"elevation_",
    b"exception_",
    b"grant_made\"",
    b"installation_ended\"",
    b"key_made\"",
    b"log_started\"",
    b"person_changed\"",
    b"restored\"",
    b"revoked\"",
    b"task_",
];

/// The time of a record, without reading all of it: the second of its members.
fn time_of(record: &[u8]) -> Option<Timestamp> {
    const AT: &[u8] = b"\",\"at\":";
    let event = record.strip_prefix(BEGINS)?;
    let end = event.iter().position(|byte| *byte == b'"')?;
    let digits = event[end..].strip_prefix(AT)?;
    let length = digits.iter().position(|byte| *byte == b',' || *byte == b'}')?;
    std::str::from_utf8(&digits[..length]).ok()?.parse().ok().map(Timestamp::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_record_is_its_second_member_and_nothing_that_looks_like_it() {
        let at = |record: &str| time_of(record.as_bytes()).map(Timestamp::micros);
        assert_eq!(at(r#"{"event":"revoked","at":17,"actor":"operator"}"#), Some(17));
        assert_eq!(at(r#"{"event":"revoked","at":-3}"#), Some(-3));
        assert_eq!(at(r#"{"event":"revoked","actor":"\",\"at\":5"}"#), None);
        assert_eq!(at(r#"{"event":"revoked","at":x,"y":1}"#), None);
        assert_eq!(at("{}"), None);
    }
}
