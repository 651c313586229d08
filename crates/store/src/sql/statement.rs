//! A statement with its values bound, and what it reads: written once, asked by a reader or inside a change.

use sqlx::{Any, AnyConnection, any::AnyArguments, query::Query};

use crate::{
    error::StoreError,
    sql::{columns::Columns, readers::Readers, tx::Tx},
};

/// A statement with its values bound.
pub(crate) type Statement<'q> = Query<'q, Any, AnyArguments>;

/// A value that is read from a row, column by column, in the order its statement names them.
pub(crate) trait FromColumns: Sized {
    /// What the row is called in errors.
    const WHAT: &'static str;

    /// Reads the next columns.
    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError>;
}

/// A number that is counted.
impl FromColumns for u64 {
    const WHAT: &'static str = "number";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        columns.number()
    }
}

impl Readers {
    /// The first row of a statement.
    pub(crate) async fn one<T: FromColumns>(&self, statement: Statement<'_>) -> Result<Option<T>, StoreError> {
        let mut reader = self.lend().await?;
        let found = one(reader.connection(), statement).await;
        reader.done(found)
    }

    /// Every row of a statement.
    pub(crate) async fn all<T: FromColumns>(&self, statement: Statement<'_>) -> Result<Vec<T>, StoreError> {
        let mut reader = self.lend().await?;
        let found = all(reader.connection(), statement).await;
        reader.done(found)
    }
}

impl Tx<'_> {
    /// The first row of a statement.
    pub(crate) async fn one<T: FromColumns>(&mut self, statement: Statement<'_>) -> Result<Option<T>, StoreError> {
        let found = one(self.connection, statement).await;
        self.failed |= found.is_err();
        found
    }

    /// Every row of a statement.
    pub(crate) async fn all<T: FromColumns>(&mut self, statement: Statement<'_>) -> Result<Vec<T>, StoreError> {
        let found = all(self.connection, statement).await;
        self.failed |= found.is_err();
        found
    }
}

/// The first row of a statement on a connection.
pub(crate) async fn one<T: FromColumns>(
    connection: &mut AnyConnection,
    statement: Statement<'_>,
) -> Result<Option<T>, StoreError> {
    let row = statement.fetch_optional(connection).await?;
    row.map(|row| T::read(&mut Columns::of(T::WHAT, &row))).transpose()
}

/// Every row of a statement on a connection.
pub(crate) async fn all<T: FromColumns>(
    connection: &mut AnyConnection,
    statement: Statement<'_>,
) -> Result<Vec<T>, StoreError> {
    let rows = statement.fetch_all(connection).await?;
    rows.iter().map(|row| T::read(&mut Columns::of(T::WHAT, row))).collect()
}
