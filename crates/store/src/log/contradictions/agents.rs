//! Agents: whether they may act, who answers for them, and which client they present.

use std::collections::HashMap;

use model::AgentState;
use sqlx::{AnyConnection, query};

use super::{
    contradiction::Contradiction,
    record::{NAMES, Record},
};
use crate::{error::StoreError, sql::columns::Columns};

/// What the log says about one agent; what it never said is not compared.
#[derive(Default)]
struct Word {
    state: Option<(u64, String)>,
    owner: Option<(u64, String)>,
    client: Option<(u64, String)>,
    sponsor: Option<(u64, String)>,
    eligible_only: Option<(u64, String)>,
    last: u64,
}

/// What the log says about every agent that it names.
#[derive(Default)]
pub(super) struct Agents {
    words: HashMap<String, Word>,
    /// The log names every agent.
    all_are_named: bool,
}

impl Agents {
    pub(super) fn hear(&mut self, record: &Record) {
        match record.event() {
            "log_started" => self.all_are_named = record.fields["names"] == NAMES,
            "agent_registered" | "agent_changed" => {
                let word = self.words.entry(record.text("agent")).or_default();
                word.last = record.index;
                for (field, known) in [
                    ("state", &mut word.state),
                    ("owner", &mut word.owner),
                    ("client", &mut word.client),
                    ("sponsor", &mut word.sponsor),
                    ("eligible_only", &mut word.eligible_only),
                ] {
                    let flag = record.fields[field].as_bool().map(|flag| flag.to_string());
                    if let Some(said) = record.optional(field).or(flag) {
                        *known = Some((record.index, said));
                    }
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
        let mut gone: HashMap<&str, u64> = self.words.iter().map(|(id, word)| (id.as_str(), word.last)).collect();
        let sql = "SELECT id, state, owner, client, sponsor, eligible_only FROM agent ORDER BY id";
        for row in &query(sql).fetch_all(connection).await? {
            let mut columns = Columns::of("agent", row);
            let id = columns.text()?;
            let stored = [
                columns.text()?,
                columns.text()?,
                columns.text()?,
                columns.optional_text()?.unwrap_or_default(),
                columns.flag()?.to_string(),
            ];
            let what = format!("agent {id}");
            gone.remove(id.as_str());
            let nothing = Word::default();
            let word = match self.words.get(&id) {
                Some(word) => word,
                None if self.all_are_named => {
                    found.push(Contradiction::Unaccounted { what });
                    continue;
                }
                None => &nothing,
            };
            if word.state.is_none() && stored[0] != AgentState::Active.as_str() {
                let what = format!("the state `{}` of {what}", stored[0]);
                found.push(Contradiction::Unaccounted { what });
            }
            let said = [&word.state, &word.owner, &word.client, &word.sponsor, &word.eligible_only];
            for ((field, stored), said) in FIELDS.into_iter().zip(stored).zip(said) {
                if let Some((record, said)) = said
                    && *said != stored
                {
                    found.push(Contradiction::Differs { what: what.clone(), field, record: *record });
                }
            }
        }
        let mut gone: Vec<_> = gone.into_iter().collect();
        gone.sort_unstable_by_key(|(_, record)| *record);
        found.extend(gone.into_iter().map(|(id, record)| Contradiction::Gone { what: format!("agent {id}"), record }));
        Ok(())
    }
}

const FIELDS: [&str; 5] = ["its state", "its owner", "its client", "its sponsor", "whether it is only eligible"];
