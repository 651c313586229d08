//! Installations that were ended: what is left of them must not live again.
//!
//! The block on one is forgotten within the hour, because nothing of it is left in its rows; so the rows are looked at.

use std::collections::HashMap;

use sqlx::{AnyConnection, query};

use super::{contradiction::Contradiction, record::Record};
use crate::{error::StoreError, sql::columns::Columns};

/// The installations that the log ended, with the record of it.
#[derive(Default)]
pub(super) struct Installations(HashMap<String, u64>);

/// What of an installation can be used, and is looked for.
const ALIVE: [(&str, &str); 3] = [
    ("", "SELECT id FROM installation WHERE ended_at IS NULL ORDER BY id"),
    ("a refresh token of ", "SELECT DISTINCT family FROM refresh_token WHERE state <> 'ended' ORDER BY family"),
    ("a code of ", "SELECT DISTINCT installation FROM code WHERE used = 0 ORDER BY installation"),
];

impl Installations {
    pub(super) fn hear(&mut self, record: &Record) {
        let id = match record.event() {
            "installation_ended" => record.text("installation"),
            "revoked" if record.fields["target"] == "installation" => record.text("name"),
            _ => return,
        };
        self.0.insert(id, record.index);
    }

    pub(super) async fn compare(
        &self,
        connection: &mut AnyConnection,
        found: &mut Vec<Contradiction>,
    ) -> Result<(), StoreError> {
        if self.0.is_empty() {
            return Ok(());
        }
        for (of, sql) in ALIVE {
            for row in &query(sql).fetch_all(&mut *connection).await? {
                let id = Columns::of("installation", row).text()?;
                if let Some(record) = self.0.get(&id) {
                    found.push(Contradiction::Ended { what: format!("{of}installation {id}"), record: *record });
                }
            }
        }
        Ok(())
    }
}
