//! One look at what other processes changed: one statement.

use model::Timestamp;
use sqlx::{AnyConnection, query};

use crate::{
    epoch::stamp::Epoch,
    error::StoreError,
    sql::{columns::Columns, connect::Dialect, server_clock::server_clock},
};

/// What a look sees.
pub(crate) struct Look {
    pub(crate) epoch: Epoch,
    pub(crate) size: u64,
    pub(crate) changed_at: Timestamp,
    pub(crate) schema: i64,
    pub(crate) server_clock: Option<Timestamp>,
}

impl Look {
    pub(crate) async fn at(connection: &mut AnyConnection, dialect: Dialect) -> Result<Self, StoreError> {
        let sql = match dialect {
            Dialect::Sqlite => concat!(look!(), "NULL", from!()),
            Dialect::Postgres => concat!(look!(), server_clock!(), from!()),
        };
        let Some(row) = query(sql).fetch_optional(connection).await? else {
            return Err(StoreError::forked("its head is gone"));
        };
        let mut columns = Columns::of("epoch", &row);
        Ok(Self {
            epoch: Epoch { value: columns.number()?, stamp: columns.text()? },
            size: columns.number()?,
            changed_at: columns.time()?,
            schema: columns.number()?,
            server_clock: columns.optional_time()?,
        })
    }
}

macro_rules! look {
    () => {
        "SELECT e.value, e.stamp, h.size, h.changed_at, s.version, "
    };
}
macro_rules! from {
    () => {
        " FROM (SELECT value, stamp FROM epoch ORDER BY value DESC LIMIT 1) e, audit_head h, schema_version s"
    };
}
use {from, look};
