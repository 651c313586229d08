//! The clock of the database server.

/// The clock of a PostgreSQL server, in microseconds.
macro_rules! server_clock {
    () => {
        "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
    };
}
pub(crate) use server_clock;
