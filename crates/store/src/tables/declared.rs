//! What the configuration file declared at the last start.

use sqlx::query;

use crate::{
    error::StoreError,
    sql::{columns::Columns, tx::Tx},
};

impl Tx<'_> {
    /// Remembers `names` as all that the file declares of a `kind`; gives those that it declared before
    /// and does not any more.
    pub async fn redeclare(&mut self, kind: &str, names: &[String]) -> Result<Vec<String>, StoreError> {
        let rows = query("SELECT name FROM declared WHERE kind = $1 ORDER BY name")
            .bind(kind)
            .fetch_all(&mut *self.connection)
            .await?;
        let mut gone = Vec::new();
        for row in &rows {
            let before = Columns::of("declaration", row).text()?;
            if !names.contains(&before) {
                self.run(query("DELETE FROM declared WHERE kind = $1 AND name = $2").bind(kind).bind(&before)).await?;
                gone.push(before);
            }
        }
        for name in names {
            self.run(
                query("INSERT INTO declared (kind, name) VALUES ($1, $2) ON CONFLICT (kind, name) DO NOTHING")
                    .bind(kind)
                    .bind(name),
            )
            .await?;
        }
        Ok(gone)
    }
}
