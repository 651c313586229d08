//! What stands in the database, compared with what the signed log says.
//!
//! The log is signed, the tables are not: whoever can write to the database can wake an elevation that ended,
//! lengthen a grant or delete a block, and a node believes it. Nothing here prevents that (SECURITY.md says what
//! the database is trusted with); this names it to whoever verifies the log afterwards.
//!
//! Next: [`crate::verify()`], which asks for this in the same snapshot.

use std::collections::HashMap;

use model::Timestamp;
use serde_json::Value;
use sqlx::{AnyConnection, query};

use crate::{StoreError, columns::Columns, log};

/// The database and the signed log say different things.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// Something is in force that the log never put in force.
    #[error("{what} is in force, and the log has no record that put it in force")]
    Unaccounted {
        /// `elevation …`, `grant …`, or a block.
        what: String,
    },
    /// Something is in force that the log ended.
    #[error("{what} is in force, and record {record} ended it")]
    Ended {
        /// `elevation …` or `grant …`.
        what: String,
        /// The record of the end.
        record: u64,
    },
    /// Something is more, longer or of somebody else than the log says.
    #[error("{what}: {field} is not what record {record} says")]
    Differs {
        /// `elevation …` or `grant …`.
        what: String,
        /// What of it.
        field: &'static str,
        /// The record that says otherwise.
        record: u64,
    },
    /// Fewer uses are counted than were made.
    #[error("{what} counts {counted} uses, and the log has {logged}")]
    Uses {
        /// `elevation …`.
        what: String,
        /// In the database.
        counted: u64,
        /// In the log.
        logged: u64,
    },
    /// The log revoked something, and nothing stops it.
    #[error("record {record} revoked {what}, and the database does not stop it")]
    RevocationGone {
        /// What was revoked.
        what: String,
        /// The record of the revocation.
        record: u64,
    },
}

/// Everything in the database that the log contradicts. The caller holds one snapshot, and has verified the log in it.
pub(crate) async fn contradictions(connection: &mut AnyConnection) -> Result<Vec<Contradiction>, StoreError> {
    let mut told = Told::default();
    let mut next = 0;
    loop {
        let records = log::some(connection, next, AT_ONCE).await?;
        let Some((last, _)) = records.last() else { break };
        next = last + 1;
        for (index, record) in &records {
            told.hear(*index, record);
        }
    }
    let mut found = Vec::new();
    elevations(connection, &told, &mut found).await?;
    grants(connection, &told, &mut found).await?;
    blocks(connection, &told, &mut found).await?;
    Ok(found)
}

/// How many records are read at a time.
const AT_ONCE: u32 = 4096;

/// What the log says about one elevation or grant.
#[derive(Default)]
struct Life {
    /// The record that last put it in force.
    begun: Option<(u64, Value)>,
    /// The record that ended it.
    ended: Option<u64>,
    uses: u64,
}

/// What the log says, as far as it matters here.
#[derive(Default)]
struct Told {
    elevations: HashMap<String, Life>,
    grants: HashMap<String, Life>,
    /// By kind and name: the last word, and whether it was `revoked`.
    targets: HashMap<(String, String), (u64, bool)>,
}

impl Told {
    fn hear(&mut self, index: u64, record: &[u8]) {
        if !EVENTS.iter().any(|event| record.starts_with(event.as_bytes())) {
            return;
        }
        let Ok(record) = serde_json::from_slice::<Value>(record) else { return };
        let text = |field: &str| record[field].as_str().unwrap_or_default().to_owned();
        let elevation = text("elevation");
        match record["event"].as_str().unwrap_or_default() {
            "elevation_approved" => {
                self.elevations.entry(elevation).or_default().begun = Some((index, record));
            }
            "elevation_ended" | "elevation_denied" => {
                self.elevations.entry(elevation).or_default().ended = Some(index);
            }
            "call_decided" if !elevation.is_empty() => self.elevations.entry(elevation).or_default().uses += 1,
            "elevation_use_returned" => {
                let life = self.elevations.entry(elevation).or_default();
                life.uses = life.uses.saturating_sub(1);
                // What its last use ended goes on when that use was never made.
                life.ended = None;
            }
            "grant_made" => {
                let grant = text("grant");
                self.grants.entry(grant).or_default().begun = Some((index, record));
            }
            word @ ("revoked" | "restored") => {
                let (kind, name) = (text("target"), text("name"));
                if kind == "grant" {
                    self.grants.entry(name).or_default().ended = Some(index);
                } else if kind != "installation" {
                    self.targets.insert((kind, name), (index, word == "revoked"));
                }
            }
            _ => {}
        }
    }
}

/// How the records begin that are listened to.
const EVENTS: [&str; 5] = [
    "{\"event\":\"elevation_",
    "{\"event\":\"call_decided\"",
    "{\"event\":\"grant_made\"",
    "{\"event\":\"revoked\"",
    "{\"event\":\"restored\"",
];

async fn elevations(
    connection: &mut AnyConnection,
    told: &Told,
    found: &mut Vec<Contradiction>,
) -> Result<(), StoreError> {
    let sql = "SELECT id, grant_id, scope, not_after, max_uses, uses FROM elevation WHERE state = 'active' ORDER BY id";
    for row in &query(sql).fetch_all(connection).await? {
        let mut columns = Columns::of("elevation", row);
        let (id, grant, scope) = (columns.text()?, columns.text()?, columns.text()?);
        let end = columns.optional_time()?.unwrap_or_default();
        let (most, uses): (u64, u64) = (columns.number()?, columns.number()?);
        let what = format!("elevation {id}");
        let Some((life, (record, said))) = in_force(told.elevations.get(&id), &what, found) else { continue };
        let differs = |field| Contradiction::Differs { what: what.clone(), field, record };
        if said["grant"] != *grant {
            found.push(differs("its grant"));
        }
        if said["scope"] != *scope {
            found.push(differs("its scope"));
        }
        let longest = said["at"].as_i64().unwrap_or(0) + said["lasts"].as_i64().unwrap_or(0) * 1_000_000;
        if end.micros() > longest {
            found.push(differs("its end"));
        }
        if said["max_uses"].as_u64().is_none_or(|allowed| most > allowed) {
            found.push(differs("the number of its uses"));
        }
        if uses < life.uses {
            found.push(Contradiction::Uses { what, counted: uses, logged: life.uses });
        }
    }
    Ok(())
}

async fn grants(connection: &mut AnyConnection, told: &Told, found: &mut Vec<Contradiction>) -> Result<(), StoreError> {
    let sql = "SELECT id, agent, person, server, scopes, not_after FROM agent_grant WHERE ended_at IS NULL ORDER BY id";
    for row in &query(sql).fetch_all(connection).await? {
        let mut columns = Columns::of("grant", row);
        let (id, agent, person) = (columns.text()?, columns.text()?, columns.optional_text()?);
        let (server, scopes, end): (_, _, Timestamp) = (columns.text()?, columns.text()?, columns.time()?);
        let what = format!("grant {id}");
        let Some((_, (record, said))) = in_force(told.grants.get(&id), &what, found) else { continue };
        for (field, stored, said) in [
            ("its agent", Some(agent), &said["agent"]),
            ("its person", person, &said["person"]),
            ("its server", Some(server), &said["server"]),
            ("what it allows", Some(scopes), &said["scope"]),
            ("its end", Some(end.to_string()), &said["not_after"]),
        ] {
            if stored.as_deref() != said.as_str() {
                found.push(Contradiction::Differs { what: what.clone(), field, record });
            }
        }
    }
    Ok(())
}

async fn blocks(connection: &mut AnyConnection, told: &Told, found: &mut Vec<Contradiction>) -> Result<(), StoreError> {
    // Blocks on installations have an end and are forgotten then; the log does not say when that was.
    let sql = "SELECT kind, name FROM block WHERE lifted_at IS NULL AND kind <> 'installation' ORDER BY kind, name";
    let mut standing = Vec::new();
    for row in &query(sql).fetch_all(connection).await? {
        let mut columns = Columns::of("block", row);
        standing.push((columns.text()?, columns.text()?));
    }
    let named = |(kind, name): &(String, String)| format!("{kind} {name}").trim_end().to_owned();
    for target in &standing {
        if !told.targets.get(target).is_some_and(|(_, revoked)| *revoked) {
            found.push(Contradiction::Unaccounted { what: format!("the block on {}", named(target)) });
        }
    }
    let mut gone: Vec<_> =
        told.targets.iter().filter(|(target, (_, revoked))| *revoked && !standing.contains(target)).collect();
    gone.sort_unstable_by_key(|(_, (record, _))| *record);
    found.extend(
        gone.into_iter()
            .map(|(target, (record, _))| Contradiction::RevocationGone { what: named(target), record: *record }),
    );
    Ok(())
}

/// What the log says about something that is in force, or the contradiction.
fn in_force<'t>(
    life: Option<&'t Life>,
    what: &str,
    found: &mut Vec<Contradiction>,
) -> Option<(&'t Life, (u64, &'t Value))> {
    let begun = life.and_then(|life| Some((life, life.begun.as_ref()?)));
    match begun {
        None => found.push(Contradiction::Unaccounted { what: what.to_owned() }),
        Some((Life { ended: Some(record), .. }, _)) => {
            found.push(Contradiction::Ended { what: what.to_owned(), record: *record });
        }
        Some((life, (record, said))) => return Some((life, (*record, said))),
    }
    None
}
