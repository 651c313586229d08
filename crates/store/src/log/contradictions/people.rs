//! People: whether they are disabled, and what they may do.
//!
//! Not compared: passwords, sessions and enrolment links, of which the log holds nothing.

use std::collections::HashMap;

use sqlx::{AnyConnection, query};

use super::{
    contradiction::Contradiction,
    record::{NAMES, Record},
};
use crate::{error::StoreError, sql::columns::Columns};

/// What the log says about one person.
struct Word {
    last: u64,
    /// The record that says it, the roles, and whether they are disabled. Records of older versions do not say it.
    said: Option<(u64, String, bool)>,
}

/// What the log says about everybody whom it names.
#[derive(Default)]
pub(super) struct People {
    words: HashMap<String, Word>,
    /// The log names everybody.
    all_are_named: bool,
}

impl People {
    pub(super) fn hear(&mut self, record: &Record) {
        match record.event() {
            "log_started" => self.all_are_named = record.fields["names"] == NAMES,
            "person_changed" => {
                let word = self.words.entry(record.text("person")).or_insert(Word { last: record.index, said: None });
                word.last = record.index;
                if let Some(disabled) = record.fields["disabled"].as_bool() {
                    word.said = Some((record.index, record.text("roles"), disabled));
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
        for row in &query("SELECT id, roles, disabled FROM person ORDER BY id").fetch_all(connection).await? {
            let mut columns = Columns::of("person", row);
            let (id, roles, disabled) = (columns.text()?, columns.text()?, columns.flag()?);
            let what = format!("person {id}");
            gone.remove(id.as_str());
            let Some(word) = self.words.get(&id) else {
                if self.all_are_named {
                    found.push(Contradiction::Unaccounted { what });
                }
                continue;
            };
            let Some((record, said_roles, said_disabled)) = &word.said else { continue };
            for (is_so, field) in
                [(roles == *said_roles, "the list of roles"), (disabled == *said_disabled, "the state")]
            {
                if !is_so {
                    found.push(Contradiction::Differs { what: what.clone(), field, record: *record });
                }
            }
        }
        let mut gone: Vec<_> = gone.into_iter().collect();
        gone.sort_unstable_by_key(|(_, record)| *record);
        found.extend(gone.into_iter().map(|(id, record)| Contradiction::Gone { what: format!("person {id}"), record }));
        Ok(())
    }
}
