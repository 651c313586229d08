//! What was accepted of the tools and prompts of servers: which definition each name has, and what that says.

use std::collections::HashMap;

use crypto::Digest;
use sqlx::{AnyConnection, query};

use super::{contradiction::Contradiction, record::Record};
use crate::{error::StoreError, sql::columns::Columns, tables::catalogue::name};

/// The record that accepted a definition last, and which one, by server and name.
#[derive(Default)]
pub(super) struct Definitions(HashMap<(String, String), (u64, String)>);

impl Definitions {
    pub(super) fn hear(&mut self, record: &Record) {
        if record.event() == "definition_accepted" {
            let name = (record.text("server"), record.text("tool"));
            self.0.insert(name, (record.index, record.text("definition")));
        }
    }

    pub(super) async fn compare(
        &self,
        connection: &mut AnyConnection,
        found: &mut Vec<Contradiction>,
    ) -> Result<(), StoreError> {
        let sql = "SELECT e.server, e.name, e.accepted, d.body FROM catalogue_entry e
                   LEFT JOIN definition d ON d.digest = e.accepted WHERE e.accepted IS NOT NULL ORDER BY e.server, e.name";
        for row in &query(sql).fetch_all(connection).await? {
            let mut columns = Columns::of("catalogue", row);
            let (server, name, accepted) = (columns.text()?, name(&mut columns)?, columns.text()?);
            let body = columns.optional_text()?;
            let what = format!("the definition of {}", name.qualified(&server));
            let Some((record, said)) = self.0.get(&(server, name.to_string())) else {
                found.push(Contradiction::Unaccounted { what });
                continue;
            };
            let record = *record;
            if *said != accepted {
                found.push(Contradiction::Differs { what, field: "what was accepted", record });
            } else if body.is_none_or(|body| Digest::of(&body).to_hex() != accepted) {
                // Calls are checked by the text, and people have looked at it.
                found.push(Contradiction::Differs { what, field: "its text", record });
            }
        }
        Ok(())
    }
}
