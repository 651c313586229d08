//! What the configuration file declared at the last start.

use sqlx::query;

use crate::{
    error::StoreError,
    sql::{columns::Columns, statement::FromColumns, tx::Tx},
};

impl Tx<'_> {
    /// Remembers `names` as all that the file declares of a `kind`; gives those that it declared before
    /// and does not any more.
    pub async fn redeclare(&mut self, kind: &str, names: &[String]) -> Result<Vec<String>, StoreError> {
        let before = "SELECT name FROM declared WHERE kind = $1 ORDER BY name";
        let mut gone = Vec::new();
        for Name(before) in self.all(query(before).bind(kind)).await? {
            if !names.contains(&before) {
                self.run(query("DELETE FROM declared WHERE kind = $1 AND name = $2").bind(kind).bind(&before)).await?;
                gone.push(before);
            }
        }
        let sql = "INSERT INTO declared (kind, name) VALUES ($1, $2) ON CONFLICT (kind, name) DO NOTHING";
        for name in names {
            self.run(query(sql).bind(kind).bind(name)).await?;
        }
        Ok(gone)
    }
}

/// What is declared.
struct Name(String);

impl FromColumns for Name {
    const WHAT: &'static str = "declaration";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        columns.text().map(Self)
    }
}
