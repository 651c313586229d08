//! The database itself: connections, rows, one change in the making, the schema.

pub(crate) mod columns;
pub(crate) mod connect;
pub(crate) mod damage;
pub(crate) mod page;
pub(crate) mod readers;
pub(crate) mod schema;
pub(crate) mod server_clock;
pub(crate) mod statement;
pub(crate) mod tx;
pub(crate) mod writer_lock;
