//! What a start checks of a SQLite file: that its tables and their indexes hang together.
//!
//! A page that was overwritten answers some questions and not others: an index without the row of a block lets go on who
//! was stopped. What SQLite finds is the structure; that a value is not the one that was written it can not know, and
//! `audit verify` compares those with the log. The tables of the log are left to their own hashes: their end is checked at
//! each start, and the rest when it is read.
//!
//! Spec: SQLite `PRAGMA quick_check`.

use std::path::PathBuf;

use sqlx::{AnyConnection, query};

use crate::{
    error::StoreError,
    fault::Fault,
    open_error::OpenError,
    sql::{
        columns::Columns,
        connect::{Connect, Purpose},
    },
};

/// Up to this size the whole is looked at before anything is served: a tenth of a second.
pub(crate) const AT_ONCE: u64 = 64 << 20;

/// What is looked at before anything is served, whatever its size. They have a row for each person, agent and
/// revocation, and not for each login.
const FIRST: &[&str] = &["audit_head", "block", "epoch", "node", "schema_version", "signing_key", "person", "agent"];

/// The tables of the log.
const OF_THE_LOG: &[&str] = &["audit_batch", "audit_tile"];

/// Which tables to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those without which nobody is stopped.
    First,
    /// The others, but those of the log.
    Rest,
}

/// Looks at the tables; an error says what is wrong.
pub(crate) async fn look(connection: &mut AnyConnection, which: Which) -> Result<(), StoreError> {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    for row in query(sql).fetch_all(&mut *connection).await? {
        let table = Columns::of("schema", &row).text()?;
        let name = table.as_str();
        let is_wanted = FIRST.contains(&name) == (which == Which::First) && !OF_THE_LOG.contains(&name);
        if !is_wanted {
            continue;
        }
        let sql = "SELECT quick_check FROM pragma_quick_check($1)";
        let rows = query(sql).bind(name).fetch_all(&mut *connection).await?;
        let said = rows.first().map(|row| Columns::of("check", row).text()).transpose()?;
        match said.as_deref() {
            Some("ok") | None => {}
            Some(said) => {
                return Err(StoreError::Unreadable { what: "table", why: format!("`{name}`: {}", said.trim()) });
            }
        }
    }
    Ok(())
}

/// The same before anything is served, for the operator.
pub(crate) async fn refuse(connection: &mut AnyConnection, file: PathBuf, which: Which) -> Result<(), OpenError> {
    look(connection, which).await.map_err(|error| match error {
        StoreError::Unreadable { why, .. } => OpenError::Damaged { file, why },
        StoreError::Database(error) if Fault::of(&error) == Fault::Damaged => {
            OpenError::Damaged { file, why: said(&error) }
        }
        error => error.into(),
    })
}

/// Looks at the rest while the node serves already; `Some` says what is wrong.
pub(crate) async fn found_later(connect: &Connect) -> Option<String> {
    let mut connection = connect.connect(Purpose::Read).await.ok()?;
    match look(&mut connection, Which::Rest).await {
        Err(StoreError::Unreadable { why, .. }) => Some(why),
        Err(StoreError::Database(error)) if Fault::of(&error) == Fault::Damaged => Some(said(&error)),
        // It is not there for now, which is seen elsewhere.
        _ => None,
    }
}

/// The words of SQLite alone.
fn said(error: &sqlx::Error) -> String {
    error.as_database_error().map_or_else(|| error.to_string(), |refusal| refusal.message().to_owned())
}
